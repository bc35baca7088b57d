import type {FastifyInstance} from 'fastify';
import type {Health} from './health.ts';

/**
 * While the server drains, each answer ends its connection (RFC 9112, section 9.6). A proxy keeps its open connections
 * to a pod that is being taken away for as long as the pod lets it: told so with an answer, it opens the next one
 * elsewhere, and no request is under way when the connections that are left are closed.
 */
export function sendAway(app: FastifyInstance, health: Health): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (health.draining) void reply.header('connection', 'close');
    done(null, payload);
  });
}

import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';
import {authenticate} from '../authenticate.ts';

/** `GET /auth/verify`: forward authentication for nginx `auth_request`, Traefik and Envoy. */
export function verifyRoute(app: FastifyInstance, services: Services): void {
  app.get('/auth/verify', async (request, reply) => {
    const {session} = await authenticate(request, services);
    void reply.header('x-auth-request-user', session.userId).header('x-auth-request-session', session.id);
    // An address outside of visible ASCII does not fit a header.
    if (session.email !== undefined && /^[\x21-\x7e]+$/.test(session.email))
      void reply.header('x-auth-request-email', session.email);
    return reply.code(200).send();
  });
}

import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';
import {authenticate} from '../authenticate.ts';

/** `GET /auth/verify`: forward authentication for nginx `auth_request`, Traefik and Envoy. */
export function verifyRoute(app: FastifyInstance, services: Services): void {
  app.get('/auth/verify', async (request, reply) => {
    const {session} = await authenticate(request, services);
    // An address outside of visible ASCII does not fit a header. Where there is none the header stands empty: a proxy that
    // copies what it finds would let pass the one that a client wrote.
    const email = session.email !== undefined && /^[\x21-\x7e]+$/.test(session.email) ? session.email : '';
    return reply
      .header('x-auth-request-user', session.userId)
      .header('x-auth-request-session', session.id)
      .header('x-auth-request-email', email)
      .code(200)
      .send();
  });
}

import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import type {Services} from '../../services.ts';
import {authenticate} from '../authenticate.ts';

/** nginx and Traefik ask with a GET; Envoy with the method of the request that it is about, below its `path_prefix`. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const PATHS = ['/auth/verify', '/auth/verify/*'];

/** Whether a request asks about another one, whose path and method say nothing about this server. */
export const isVerify = ({routeOptions}: FastifyRequest): boolean => PATHS.includes(routeOptions.url ?? '');

/** `/auth/verify`: forward authentication for nginx `auth_request`, Traefik and Envoy. */
export async function verifyRoute(app: FastifyInstance, services: Services): Promise<void> {
  const verify = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
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
  };
  await app.register((scope, _options, done) => {
    // A body is the other request's, and nobody's here.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    for (const url of PATHS) for (const method of METHODS) scope.route({method, url, handler: verify});
    done();
  });
}

import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {soon, type Soon} from '../../../support/soon.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {authenticate} from '../authenticate.ts';

/** nginx and Traefik ask with a GET; Envoy with the method of the request that it is about, below its `path_prefix`. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const PATHS = ['/auth/verify', '/auth/verify/*'];

/** Whether a request asks about another one, whose path and method say nothing about this server. */
export const isVerify = ({routeOptions}: FastifyRequest): boolean => PATHS.includes(routeOptions.url ?? '');

/** `/auth/verify`: forward authentication for nginx `auth_request`, Traefik and Envoy. */
export async function verifyRoute(app: FastifyInstance, services: Services): Promise<void> {
  const answer = (reply: FastifyReply, {userId, id, email}: Session): void => {
    void reply
      .header('x-auth-request-user', userId)
      .header('x-auth-request-session', id)
      // An address outside of visible ASCII does not fit a header. Where there is none the header stands empty: a proxy
      // that copies what it finds would let pass the one that a client wrote.
      .header('x-auth-request-email', email !== undefined && VISIBLE_ASCII.test(email) ? email : '')
      .code(200)
      .send();
  };
  const verify = (request: FastifyRequest, reply: FastifyReply): Soon<void> =>
    soon(authenticate(request, services), ({session}) => answer(reply, session));
  await app.register((scope, _options, done) => {
    // A body is the other request's, and nobody's here.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    for (const url of PATHS) for (const method of METHODS) scope.route({method, url, handler: verify});
    done();
  });
}

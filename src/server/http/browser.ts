import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {AuthError} from '../../support/errors.ts';
import type {Services} from '../services.ts';
import {readCookie} from './cookies.ts';
import {isVerify} from './routes/verify.ts';

/** What an application in the browser may ask from another origin; pages, callback and form posts are not among it. */
const SHARED =
  /^\/auth\/(?:start|refresh|logout|verify|me|providers|sessions(?:\/[^/]+)?)$|^\/\.well-known\/(?:jwks\.json|oauth-authorization-server)/;

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * For every route: who may send a request with this server's cookie (CSRF), and what scripts of other origins may read
 * (CORS, Fetch standard section 3.2). The other origins are those of RETURN_TO_ORIGINS, compared exactly.
 */
export function guardBrowsers(app: FastifyInstance, services: Services): void {
  const {origin: own, returnToOrigins} = services.configuration.login;
  const others = new Set(returnToOrigins.filter((origin) => origin !== own));

  app.addHook('onRequest', (request, reply, done) => {
    const refusal = foreign(request, services, (origin) => origin === own || others.has(origin));
    if (refusal) return done(refusal);
    const [path = ''] = request.url.split('?', 1);
    if (!SHARED.test(path)) return done();
    void reply.header('vary', 'Origin');
    const {origin} = request.headers;
    if (origin === undefined || !others.has(origin)) return done();
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-allow-credentials', 'true')
      .header('access-control-expose-headers', 'Retry-After, WWW-Authenticate, X-Request-Id');
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return done();
    return void answerPreflight(reply);
  });
}

function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', 'GET, POST, DELETE')
    .header('access-control-allow-headers', 'Authorization, Content-Type')
    .header('access-control-max-age', '600')
    .send();
}

/**
 * A request that changes something, with the session cookie, comes from our own pages or an allowed origin. SameSite=Lax
 * does not keep away the other hosts of our site; the browser's own word does (Fetch Metadata, section 2.4; OWASP ASVS
 * 5, 3.5.1). What is no browser says neither, and has no cookie that it did not put there itself.
 */
function foreign(
  request: FastifyRequest,
  services: Services,
  allowed: (origin: string) => boolean,
): AuthError | undefined {
  if (SAFE.has(request.method) || isVerify(request)) return undefined;
  if (readCookie(request.headers.cookie, services.cookies.sessionName) === undefined) return undefined;
  const {origin, 'sec-fetch-site': site} = request.headers;
  if (origin !== undefined && allowed(origin)) return undefined;
  if (site === undefined ? origin === undefined : site === 'same-origin' || site === 'none') return undefined;
  const from = typeof site === 'string' ? site : 'unknown';
  return new AuthError('forbidden', `with the session cookie, from another origin (${from})`);
}

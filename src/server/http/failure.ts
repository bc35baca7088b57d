import type {FastifyError, FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {AuthError, errorBody, unavailable, type OAuthError} from '../../support/errors.ts';
import type {LoginSettings} from '../../support/configuration/configuration.ts';
import {databaseFault, isOutage} from '../../database/errors.ts';
import {resolveReturnTo} from '../login/return-to.ts';
import {errorPage} from '../pages/error-page.ts';
import {wantsPage} from '../pages/pages.ts';
import {explain} from '../providers/failures.ts';
import type {Services} from '../services.ts';

/** Answers every error by the catalogue, and tells the log the reason under the same request id. */
export function handleFailures(app: FastifyInstance, services: Services): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answer(toAuthError(error, request), request, reply, services),
  );
  const methodsFor = routeMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = methodsFor(path);
    const error =
      allowed.length === 0
        ? new AuthError('not_found', 'no such route')
        : new AuthError('method_not_allowed', `not ${request.method}`, {
            headers: {allow: allowed.join(', ')},
          });
    return answer(error, request, reply, services);
  });
}

/** The methods that a path has a route for; tells of the routes that are added from now on. */
function routeMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: {pattern: RegExp; methods: string[]}[] = [];
  app.addHook('onRoute', ({url, method}) => {
    const text = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[a-z]+/g, '[^/]+');
    routes.push({pattern: new RegExp(`^${text}$`), methods: [method].flat()});
  });
  return (path) => {
    const found = routes.filter(({pattern}) => pattern.test(path)).flatMap(({methods}) => methods);
    return [...new Set(found)].sort();
  };
}

function toAuthError(error: FastifyError | Error, request: FastifyRequest): AuthError {
  if (error instanceof AuthError) return error;
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status === 413) return new AuthError('payload_too_large', error.message);
  if (status === 415)
    return new AuthError('unsupported_media_type', error.message, {
      message: `Unsupported media type: send ${OAUTH_ONLY.test(request.routeOptions.url ?? '') ? FORM_TYPE : 'application/json'}`,
    });
  if (status === 503) return unavailable(error.message, 1, error);
  if (status >= 400 && status < 500)
    return new AuthError('invalid_request', error.message, {message: 'The request cannot be read'});
  if (isOutage(error)) return unavailable(`the database: ${databaseFault(error)}`, 2, error);
  return new AuthError('server_error', 'an error that nobody expected', {cause: error});
}

async function answer(
  error: AuthError,
  request: FastifyRequest,
  reply: FastifyReply,
  services: Services,
): Promise<FastifyReply> {
  const {logger, pages, configuration} = services;
  const entry = {
    requestId: request.id,
    method: request.method,
    route: request.routeOptions.url ?? 'unmatched',
    status: error.status,
    code: error.code,
    reason: error.reason,
    ...(error.cause === undefined ? {} : {cause: explain(error.cause)}),
  };
  if (error.status === 500) {
    const stack = error.cause instanceof Error ? error.cause.stack : undefined;
    logger.error({...entry, stack}, 'failed');
  } else if (error.status > 500) logger.warn(entry, 'failed');
  else logger.info(entry, 'refused');

  void reply.code(error.status).headers(error.headers);
  // A 401 names a way to prove who one is (RFC 9110, section 15.5.2). Clients of OAuth would take it for the client's own
  // failure, and not read the error that they are told (RFC 6749, section 5.2).
  const isForClients = oauthCode(error, request) !== undefined;
  if (error.status === 401 && !isForClients && error.headers['www-authenticate'] === undefined)
    void reply.header('www-authenticate', 'Bearer realm="fraiseql"');
  // The rest of a chunked body has not been looked at: nothing may come after it on this connection.
  if (request.headers['transfer-encoding'] !== undefined && !request.raw.complete)
    void reply.header('connection', 'close');
  if (wantsPage(request)) {
    const returnTo = error.returnTo ?? askedReturnTo(request, configuration.login);
    return pages.send(
      reply,
      error.status,
      errorPage({error, requestId: request.id, returnTo, isForm: request.method === 'POST'}),
    );
  }
  return reply
    .type('application/json; charset=utf-8')
    .serializer(String)
    .send(errorBody(error.code, error.message, request.id, oauthCode(error, request)));
}

const OAUTH_ONLY = /^\/auth\/(?:introspect|revoke|backchannel-logout\/.+)$/;
const FORM_TYPE = 'application/x-www-form-urlencoded';
const FORM = new RegExp(`^${FORM_TYPE}\\b`, 'i');

/**
 * Clients of OAuth's endpoints look for `error` (RFC 6749, section 5.2). At /auth/refresh those are the ones that send a
 * form; FraiseQL's own send JSON and know `errors` alone.
 */
function oauthCode(error: AuthError, request: FastifyRequest): OAuthError | undefined {
  const route = request.routeOptions.url ?? '';
  const isToken = route === '/auth/refresh' && FORM.test(request.headers['content-type'] ?? '');
  if (!isToken && !OAUTH_ONLY.test(route)) return undefined;
  if (error.oauth !== undefined) return error.oauth;
  if (error.code === 'invalid_request') return 'invalid_request';
  return isToken && error.status === 401 ? 'invalid_grant' : undefined;
}

/** Where a login that could not begin would have led: a person who tries again still comes there. */
function askedReturnTo(request: FastifyRequest, settings: LoginSettings): string | undefined {
  if (request.routeOptions.url !== '/auth/start') return undefined;
  const {return_to: text} = request.query as Record<string, unknown>;
  return typeof text === 'string'
    ? resolveReturnTo(text, settings.origin, settings.returnToOrigins)
    : undefined;
}

import {randomUUID} from 'node:crypto';
import {ServerResponse, type IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import type {SecureContextOptions} from 'node:tls';
import formbody from '@fastify/formbody';
import {fastify, type FastifyInstance, type FastifyReply} from 'fastify';
import {errorBody} from '../../support/errors.ts';
import type {Services} from '../services.ts';
import {sendAway} from '../health/drain.ts';
import {Limiter} from '../limits/limiter.ts';
import {limitRoutes} from '../limits/routes.ts';
import {refuseAmbiguous} from './ambiguity.ts';
import {guardBrowsers} from './browser.ts';
import {isClientByHeader} from './client-authentication.ts';
import {refuseExpectations} from './expectation.ts';
import {handleFailures} from './failure.ts';
import {trustedProxies} from './proxies.ts';
import {accountRoutes} from './routes/account.ts';
import {backchannelLogoutRoute} from './routes/backchannel-logout.ts';
import {callbackRoute} from './routes/callback.ts';
import {healthRoutes} from './routes/health.ts';
import {introspectRoute} from './routes/introspect.ts';
import {logoutRoute} from './routes/logout.ts';
import {meRoute} from './routes/me.ts';
import {metricsRoutes} from './routes/metrics.ts';
import {providersRoute} from './routes/providers.ts';
import {refreshRoute} from './routes/refresh.ts';
import {revokeRoute} from './routes/revoke.ts';
import {sessionsRoutes} from './routes/sessions.ts';
import {signedOutRoute} from './routes/signed-out.ts';
import {startRoutes} from './routes/start.ts';
import {verifyRoute} from './routes/verify.ts';
import {wellKnownRoutes} from './routes/well-known.ts';
import {describeValidation} from './validation.ts';

const BODY_BYTES = 64 * 1024;
const HEADER_BYTES = 16 * 1024;

/** How long a client may take over its request, milliseconds: over the headers, and over all of it. */
export interface Patience {
  readonly headersMs: number;
  readonly requestMs: number;
}

const PATIENCE: Patience = {headersMs: 10_000, requestMs: 30_000};
const HANDSHAKE_MS = 10_000;

/**
 * The HTTP side of the server: what every request has in common, and one line a route. With `certificate` it is https;
 * another can be given to `app.server` later.
 */
export async function createApp(
  services: Services,
  certificate?: SecureContextOptions,
  patience: Patience = PATIENCE,
): Promise<FastifyInstance> {
  const connection = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: patience.headersMs,
    // Node looks after both so often.
    connectionsCheckingInterval: Math.min(1_000, patience.headersMs),
    // Refused by ambiguity.ts, in words.
    requireHostHeader: false,
  };
  const trusted = trustedProxies(services.configuration.trustedProxies);
  const headers = commonHeaders(services.configuration.login.origin);
  const unreadable = tellUnreadable(services);
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    // Whatever is too long to be an id of ours reaches its route, and is not found there.
    routerOptions: {maxParamLength: HEADER_BYTES},
    trustProxy: trusted,
    genReqId: (request) => requestId(request, trusted),
    requestTimeout: patience.requestMs,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while the server closes is served, and the connection then ended.
    return503OnClosing: false,
    ...(certificate === undefined
      ? {http: connection}
      : // The same to every route; fastify's types would have another name for each of them.
        ({https: {...connection, ...certificate, handshakeTimeout: HANDSHAKE_MS}} as object)),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
        verbose: true,
      },
    },
    schemaErrorFormatter: describeValidation,
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, unreadable),
    // An address that cannot be decoded reaches no hook.
    frameworkErrors(error, request, reply) {
      unreadable({requestId: request.id, status: 400, cause: error.code});
      const body = errorBody('invalid_request', 'The request cannot be read', request.id);
      const type = 'application/json; charset=utf-8';
      // The types of fastify know no status and no body of a request without a route.
      return (reply as FastifyReply)
        .code(400)
        .headers({...headers, 'x-request-id': request.id, 'content-type': type})
        .send(body);
    },
  });
  app.removeContentTypeParser('text/plain');
  takeEmptyBodies(app);

  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    // The method of a request that met no route is a client's choice, and labels hold none.
    const method = route === 'unmatched' ? 'other' : request.method;
    services.metrics.request(route, method, reply.statusCode, reply.elapsedTime);
    done();
  });
  sendAway(app, services.health);
  handleFailures(app, services);
  refuseAmbiguous(app);
  refuseExpectations(app);
  guardBrowsers(app, services);
  limitRoutes(app, services);
  services.gate.guard(app, (request) => isClientByHeader(services, request));

  startRoutes(app, services);
  callbackRoute(app, services);
  await refreshRoute(app, services);
  await verifyRoute(app, services);
  meRoute(app, services);
  await accountRoutes(app, services);
  signedOutRoute(app, services);
  sessionsRoutes(app, services);
  await app.register(async (forms) => {
    await forms.register(formbody);
    logoutRoute(forms, services);
    introspectRoute(forms, services);
    revokeRoute(forms, services);
    backchannelLogoutRoute(forms, services);
  });
  providersRoute(app, services);
  wellKnownRoutes(app, services);
  healthRoutes(app, services);
  metricsRoutes(app, services);
  return app;
}

/** Many clients name JSON whether or not they send any. Nothing is no body, and each route's schema says whether it needs one. */
function takeEmptyBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', {parseAs: 'string'}, (request, body, done) => {
    if (body === '') done(null, null);
    else void parse(request, body, done);
  });
}

/** A proxy's id where the proxy is trusted and the id is fit for a log; else a new one. */
function requestId(request: IncomingMessage, trusted: (address: string) => boolean): string {
  const given = request.headers['x-request-id'];
  if (
    typeof given === 'string' &&
    /^[A-Za-z0-9._-]{8,64}$/.test(given) &&
    trusted(request.socket.remoteAddress ?? '')
  )
    return given;
  return randomUUID();
}

/** On every answer (OWASP ASVS 5, chapter 3). Nothing is stored; what may be cached says so itself. */
function commonHeaders(origin: string): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(origin.startsWith('https:')
      ? {'strict-transport-security': 'max-age=31536000; includeSubDomains'}
      : {}),
  };
}

interface Unreadable {
  readonly requestId: string;
  readonly status: number;
  readonly cause: string | undefined;
}

/** A minute's lines of what reached no route: anybody can send it, as often as they like. */
const UNREADABLE_PER_MINUTE = 60;

/** Writes a line under the id that the answer names. */
function tellUnreadable({logger, clock}: Services): (entry: Unreadable) => void {
  const lines = new Limiter(UNREADABLE_PER_MINUTE, 60_000, clock, 1);
  return (entry) => {
    if (lines.wait('all') > 0) return;
    lines.count('all');
    logger.info({...entry, code: 'invalid_request'}, 'refused: the request cannot be read');
  };
}

/** What cannot be parsed as HTTP never reaches a route: answered in the shape of the other errors, then closed. */
function refuseUnreadable(
  error: Error & {code?: string},
  socket: Socket,
  tell: (entry: Unreadable) => void,
): void {
  // What is no TLS cannot be answered in TLS.
  const noTls = error.code?.startsWith('ERR_SSL_') === true;
  // A request that was answered before its body turned out to be unreadable has had its one answer: a second one would
  // be taken by a proxy for that of its next request.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  const answered = answer instanceof ServerResponse && answer.headersSent;
  if (!socket.writable || noTls || answered || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = tooLarge
    ? '431 Request Header Fields Too Large'
    : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '408 Request Timeout'
      : '400 Bad Request';
  const message = tooLarge ? 'The headers are larger than 16 KiB' : 'The request cannot be read';
  const id = randomUUID();
  const body = errorBody('invalid_request', message, id);
  tell({requestId: id, status: Number.parseInt(status, 10), cause: error.code});
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\n` +
      `x-content-type-options: nosniff\r\nx-request-id: ${id}\r\n\r\n${body}`,
  );
}

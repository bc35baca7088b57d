import {randomUUID} from 'node:crypto';
import {ServerResponse, type IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import type {SecureContextOptions} from 'node:tls';
import formbody from '@fastify/formbody';
import {fastify, type FastifyInstance} from 'fastify';
import {errorBody} from '../../support/errors.ts';
import type {Services} from '../services.ts';
import {sendAway} from '../health/drain.ts';
import {limitRoutes} from '../limits/routes.ts';
import {guardBrowsers} from './browser.ts';
import {describeValidation, handleFailures} from './failure.ts';
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
import {startRoutes} from './routes/start.ts';
import {verifyRoute} from './routes/verify.ts';
import {wellKnownRoutes} from './routes/well-known.ts';

const BODY_BYTES = 64 * 1024;
const HEADER_BYTES = 16 * 1024;

/** Bounds on a connection that is slow, by design or on purpose. Node looks after them this often. */
const CONNECTION = {maxHeaderSize: HEADER_BYTES, headersTimeout: 10_000, connectionsCheckingInterval: 1_000};
const HANDSHAKE_MS = 10_000;

/**
 * The HTTP side of the server: what every request has in common, and one line a route. With `certificate` it is https;
 * another can be given to `app.server` later.
 */
export async function createApp(
  services: Services,
  certificate?: SecureContextOptions,
): Promise<FastifyInstance> {
  const trusted = trustedProxies(services.configuration.trustedProxies);
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    exposeHeadRoutes: false,
    trustProxy: trusted,
    genReqId: (request) => requestId(request, trusted),
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while the server closes is served, and the connection then ended.
    return503OnClosing: false,
    ...(certificate === undefined
      ? {http: CONNECTION}
      : // The same to every route; fastify's types would have another name for each of them.
        ({https: {...CONNECTION, ...certificate, handshakeTimeout: HANDSHAKE_MS}} as object)),
    ajv: {customOptions: {coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false}},
    schemaErrorFormatter: describeValidation,
    clientErrorHandler: refuseUnreadable,
  });
  app.removeContentTypeParser('text/plain');

  const headers = commonHeaders(services.configuration.login.origin);
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
  guardBrowsers(app, services);
  limitRoutes(app, services);
  services.gate.guard(app);

  startRoutes(app, services);
  callbackRoute(app, services);
  await refreshRoute(app, services);
  logoutRoute(app, services);
  verifyRoute(app, services);
  meRoute(app, services);
  await accountRoutes(app, services);
  sessionsRoutes(app, services);
  await app.register(async (forms) => {
    await forms.register(formbody);
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

/** What cannot be parsed as HTTP never reaches a route: answered in the shape of the other errors, then closed. */
function refuseUnreadable(error: Error & {code?: string}, socket: Socket): void {
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
  const body = errorBody('invalid_request', message, randomUUID());
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\n\r\n${body}`,
  );
}

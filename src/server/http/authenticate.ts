import type {FastifyRequest} from 'fastify';
import {AuthError} from '../../support/errors.ts';
import {soon, type Soon} from '../../support/soon.ts';
import type {Urgency} from '../overload/urgency.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';
import {bearerToken} from './bearer.ts';
import {readCookie} from './cookies.ts';

/** Who asks: the session behind an access token or a browser's cookie. */
export interface Authenticated {
  readonly session: Session;
  /** Until when this very credential is good, seconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Checks the access token of an Authorization header, or without one the session cookie; at once where the session is
 * known. Throws, or rejects with, a 401 with WWW-Authenticate (RFC 6750, section 3); an `error` stands in it only where a
 * credential was given. `urgency` is that of what it is asked for.
 */
export function authenticate(
  request: FastifyRequest,
  services: Services,
  urgency: Urgency = 'check',
): Soon<Authenticated> {
  const started = services.clock.monotonic();
  const over = (): void => services.metrics.validated(services.clock.monotonic() - started);
  const refused = (error: unknown): never => {
    over();
    throw error instanceof AuthError && error.status === 401 ? challenge(error, request) : error;
  };
  const good = (who: Authenticated): Authenticated => {
    over();
    return who;
  };
  let who: Soon<Authenticated>;
  try {
    who = identify(request, services, urgency);
  } catch (error) {
    return refused(error);
  }
  return who instanceof Promise ? who.then(good, refused) : good(who);
}

function identify(request: FastifyRequest, services: Services, urgency: Urgency): Soon<Authenticated> {
  const token = bearerToken(request.headers.authorization);
  if (token === undefined) return identifyByCookie(request, services, urgency);
  const claims = services.tokens.check(token);
  return soon(services.revocations.session(claims.sid, urgency), (session) => {
    if (!session || session.userId !== claims.sub)
      throw new AuthError('session_error', `the session ${claims.sid} has ended`);
    return {session, expiresAt: claims.exp};
  });
}

async function identifyByCookie(
  request: FastifyRequest,
  services: Services,
  urgency: Urgency,
): Promise<Authenticated> {
  const cookie = readCookie(request.headers.cookie, services.cookies.sessionName);
  const session = cookie === undefined ? undefined : await byCookie(cookie, request, services, urgency);
  if (session) return {session, expiresAt: session.expiresAt};
  throw cookie === undefined
    ? new AuthError('invalid_token', 'no credential was given')
    : new AuthError('session_error', 'the session of this cookie has ended');
}

/** A cookie of which this replica knows nothing may be made up: then the address is counted. */
async function byCookie(
  cookie: string,
  request: FastifyRequest,
  {revocations, failures}: Services,
  urgency: Urgency,
): Promise<Session | undefined> {
  if (revocations.knowsCookie(cookie)) return revocations.byCookie(cookie, urgency);
  failures?.admit('credentials', request);
  const session = await revocations.byCookie(cookie, urgency);
  if (session === undefined) failures?.count('credentials', request);
  return session;
}

function challenge(error: AuthError, request: FastifyRequest): AuthError {
  const given = bearerToken(request.headers.authorization) !== undefined;
  return new AuthError(error.code, error.reason, {
    headers: {'www-authenticate': `Bearer realm="fraiseql"${given ? ', error="invalid_token"' : ''}`},
    cause: error.cause,
  });
}

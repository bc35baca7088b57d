import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {allowedReturnTo} from '../../login/return-to.ts';
import {SIGNED_OUT_PATH} from '../../pages/addresses.ts';
import {wantsPage} from '../../pages/pages.ts';
import {bearerToken} from '../bearer.ts';
import {readCookie} from '../cookies.ts';
import {refreshToken} from '../schemas.ts';
import {ofSameUser, recordEnded} from '../ended.ts';
import {signOut} from '../sign-out.ts';

interface LogoutBody {
  /** Where a client has none, it may say so by null or by nothing. */
  readonly refresh_token?: string | null;
  readonly all?: boolean | 'true' | 'false';
  /** Of a browser's form; not in the schema, for nothing that is wrong with it keeps a session alive. */
  readonly return_to?: unknown;
}

/**
 * `POST /auth/logout`: ends the sessions of the refresh token, the access token and the cookie, of those that are there;
 * with `all` every session of their user. Where nothing is identified there is nothing to end, and the answer is the same. A browser, which asks for a
 * page, goes on to the provider to sign out there too, and then to `return_to`.
 */
export function logoutRoute(app: FastifyInstance, services: Services): void {
  const {sessions, cookies} = services;
  app.post<{Body: LogoutBody | null}>('/auth/logout', {schema: SCHEMA}, async (request, reply) => {
    const cookie = readCookie(request.headers.cookie, cookies.sessionName);
    const all = request.body?.all === true || request.body?.all === 'true';
    const named = await identify(request, services, cookie);
    if (wantsPage(request) && !hasToken(request)) {
      const returnTo = (): string | undefined => askedReturnTo(request.body, services);
      const [session] = named;
      if (session && cookie !== undefined)
        return signOut(services, request, reply, {session, cookie, everywhere: all, returnTo});
      if (cookie !== undefined) void reply.header('set-cookie', cookies.clear(cookies.sessionName));
      return reply.redirect(returnTo() ?? SIGNED_OUT_PATH, 303);
    }
    for (const session of named) {
      const ended = all
        ? await sessions.revokeAll(session.userId)
        : (await sessions.revoke(session.id))
          ? [session.id]
          : [];
      recordEnded(services, request, all ? 'logout_all' : 'logout', ofSameUser(session, ended));
    }
    // Not before: where the session could not be ended, who tries again still has what names it.
    if (cookie !== undefined) void reply.header('set-cookie', cookies.clear(cookies.sessionName));
    return reply.code(204).send();
  });
}

/** Whether it names its session otherwise than by the cookie, as no form of a browser does. */
function hasToken(request: FastifyRequest<{Body: LogoutBody | null}>): boolean {
  return tokenIn(request.body) !== undefined || bearerToken(request.headers.authorization) !== undefined;
}

const tokenIn = (body: LogoutBody | null): string | undefined => body?.refresh_token || undefined;

/** Throws `invalid_request` where it is not allowed. */
function askedReturnTo(body: LogoutBody | null, services: Services): string | undefined {
  const text = body?.return_to;
  if (text === undefined || text === '') return undefined;
  // Several of them are none that is allowed.
  return allowedReturnTo(typeof text === 'string' ? text : '', services.configuration.login);
}

/**
 * Each session that the request names, once: who is to be signed out is signed out of all that they hold. The limit of
 * logouts keeps floods away.
 */
async function identify(
  request: FastifyRequest<{Body: LogoutBody | null}>,
  services: Services,
  cookie: string | undefined,
): Promise<Session[]> {
  const {sessions} = services;
  const token = tokenIn(request.body);
  const bearer = bearerToken(request.headers.authorization);
  const id = bearer === undefined ? undefined : sessionOf(bearer, services);
  const [byToken, byId, byCookie] = await Promise.all([
    token === undefined ? undefined : sessions.byRefreshToken(token, 'ending'),
    id === undefined ? undefined : sessions.find(id, 'ending'),
    cookie === undefined ? undefined : sessions.findByCookie(cookie, 'ending'),
  ]);
  const named = new Map<string, Session>();
  for (const session of [byToken, byId?.session, byCookie?.session])
    if (session) named.set(session.id, session);
  return [...named.values()];
}

/** The session that a valid access token names; undefined for any other, for logging out never fails. */
function sessionOf(token: string, services: Services): string | undefined {
  try {
    return services.tokens.check(token).sid;
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}

const SCHEMA = {
  body: {
    type: ['object', 'null'],
    properties: {
      refresh_token: {...refreshToken, type: ['string', 'null'], minLength: 0},
      all: {enum: [true, false, 'true', 'false']},
    },
  },
};

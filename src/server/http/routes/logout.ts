import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {readCookie} from '../cookies.ts';
import {refreshToken} from '../schemas.ts';

interface LogoutBody {
  readonly refresh_token?: string;
  readonly all?: boolean;
}

/**
 * `POST /auth/logout`: ends the session of the refresh token, access token or cookie; with `all` every session of that
 * user. Where nothing is identified there is nothing to end, and the answer is the same.
 */
export function logoutRoute(app: FastifyInstance, services: Services): void {
  const {sessions, cookies, metrics, audit} = services;
  app.post<{Body: LogoutBody | null}>('/auth/logout', {schema: SCHEMA}, async (request, reply) => {
    const cookie = readCookie(request.headers.cookie, cookies.sessionName);
    if (cookie !== undefined) void reply.header('set-cookie', cookies.clear(cookies.sessionName));
    const all = request.body?.all === true;
    const session = await identify(request, services, cookie);
    if (session) {
      const ended = all
        ? await sessions.revokeAll(session.userId)
        : (await sessions.revoke(session.id))
          ? [session.id]
          : [];
      metrics.sessionsRevoked(all ? 'logout_all' : 'logout', ended.length);
      for (const id of ended) {
        audit.record('session_revoked', {
          requestId: request.id,
          address: request.ip,
          user: session.userId,
          session: id,
          provider: session.provider,
          outcome: 'success',
          reason: all ? 'logout_all' : 'logout',
        });
      }
    }
    return reply.code(204).send();
  });
}

async function identify(
  request: FastifyRequest<{Body: LogoutBody | null}>,
  services: Services,
  cookie: string | undefined,
): Promise<Session | undefined> {
  const token = request.body?.refresh_token;
  if (token !== undefined) return services.sessions.byRefreshToken(token);
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    const sid = sessionOf(bearer, services);
    return sid === undefined ? undefined : (await services.sessions.find(sid, 'ending'))?.session;
  }
  return cookie === undefined ? undefined : (await services.sessions.findByCookie(cookie, 'ending'))?.session;
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
  body: {type: ['object', 'null'], properties: {refresh_token: refreshToken, all: {type: 'boolean'}}},
};

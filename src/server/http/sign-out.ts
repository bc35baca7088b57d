import type {FastifyReply, FastifyRequest} from 'fastify';
import {departureOf} from '../login/departure.ts';
import {signingOutPage} from '../pages/signed-out-page.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';

export interface SigningOut {
  readonly session: Session;
  readonly cookie: string;
  readonly everywhere: boolean;
  /** Says where the browser goes in the end; asked once the session has ended. Throws where that is not allowed. */
  readonly returnTo?: () => string | undefined;
}

/**
 * A person signs out: ends the browser's session here, first and whatever comes then, and sends the browser on to the
 * provider.
 */
export async function signOut(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  {session, cookie, everywhere, returnTo}: SigningOut,
): Promise<FastifyReply> {
  const {sessions, cookies, pages} = services;
  const {ended, idToken} = await sessions.signOut(session, cookie, everywhere);
  void reply.header('set-cookie', cookies.clear(cookies.sessionName));
  recordEnded(services, request, session, ended, everywhere ? 'logout_all' : 'logout');
  const departure = departureOf(services, session, {idToken, returnTo: returnTo?.(), requestId: request.id});
  return departure.to === 'provider'
    ? pages.send(reply, 200, signingOutPage(departure.name, departure.url))
    : reply.redirect(departure.address, 303);
}

/** Notes sessions that their user ended. */
export function recordEnded(
  services: Services,
  request: FastifyRequest,
  session: Session,
  ended: readonly string[],
  reason: 'logout' | 'logout_all',
): void {
  services.metrics.sessionsRevoked(reason, ended.length);
  for (const id of ended) {
    services.audit.record('session_revoked', {
      requestId: request.id,
      address: request.ip,
      user: session.userId,
      session: id,
      provider: session.provider,
      outcome: 'success',
      reason,
    });
  }
}

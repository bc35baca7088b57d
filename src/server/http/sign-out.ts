import type {FastifyReply, FastifyRequest} from 'fastify';
import {departureOf} from '../login/departure.ts';
import {signingOutPage} from '../pages/signed-out-page.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';
import {ofSameUser, recordEnded} from './ended.ts';

/** Who signs out, of what, and where to. */
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
  recordEnded(services, request, everywhere ? 'logout_all' : 'logout', ofSameUser(session, ended));
  const departure = departureOf(services, session, {idToken, returnTo: returnTo?.(), requestId: request.id});
  return departure.to === 'provider'
    ? pages.send(reply, 200, signingOutPage(departure.name, departure.url))
    : reply.redirect(departure.address, 303);
}

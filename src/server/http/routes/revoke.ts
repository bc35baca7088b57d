import type {FastifyInstance} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Urgency} from '../../overload/urgency.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {authenticateClient} from '../client-authentication.ts';
import {recordEnded} from '../ended.ts';
import {tokenForm} from '../schemas.ts';
import type {TokenForm} from './introspect.ts';

/**
 * `POST /auth/revoke` (RFC 7009): ends the session of a refresh or access token, and with it every token of that
 * session. Whoever holds the token may; a client that authenticates must do so rightly. An unknown token is a 200
 * (section 2.2), for it is as good as revoked.
 */
export function revokeRoute(app: FastifyInstance, services: Services): void {
  const {sessions, failures} = services;
  app.post<{Body: TokenForm}>('/auth/revoke', {schema: {body: tokenForm}}, async (request, reply) => {
    const client = await authenticateClient(services, request);
    failures?.admit('credentials', request);
    const session = await identify(request.body.token, services, client === undefined ? 'login' : 'ending');
    if (!session) failures?.count('credentials', request);
    if (session && (await sessions.revoke(session.id)))
      recordEnded(services, request, 'token_revoked', [session]);
    return reply.code(200).send();
  });
}

/**
 * Anybody may send anything here, so a refresh token is looked up as the least urgent of all where no client brings it that
 * said rightly who it is; what it leads to, the end of a session, is the most urgent.
 */
async function identify(token: string, services: Services, urgency: Urgency): Promise<Session | undefined> {
  if (!token.includes('.')) return services.sessions.byRefreshToken(token, urgency);
  try {
    return (await services.sessions.find(services.tokens.check(token).sid, 'ending'))?.session;
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

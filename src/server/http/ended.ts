import type {FastifyRequest} from 'fastify';
import type {RevocationReason} from '../metrics.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';

type Ended = Pick<Session, 'id' | 'userId'> & Partial<Pick<Session, 'provider'>>;

/** Counts sessions that a request ended, and notes each in the audit trail. */
export function recordEnded(
  {metrics, audit}: Services,
  request: FastifyRequest,
  reason: RevocationReason,
  sessions: readonly Ended[],
): void {
  metrics.sessionsRevoked(reason, sessions.length);
  for (const {id, userId, provider} of sessions) {
    audit.record('session_revoked', {
      requestId: request.id,
      address: request.ip,
      user: userId,
      session: id,
      provider,
      outcome: 'success',
      reason,
    });
  }
}

/** The sessions of these ids, which are of the user of this one; what is noted of each is its provider. */
export function ofSameUser({userId, provider}: Session, ids: readonly string[]): Ended[] {
  return ids.map((id) => ({id, userId, provider}));
}

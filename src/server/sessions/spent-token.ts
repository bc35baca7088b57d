import {AuthError} from '../../support/errors.ts';
import type {Session} from './session.ts';

/** Why a refresh token of ours is good no more. */
export type SpentReason = 'token_reused' | 'session_ended';

/**
 * A refresh token of a session that there was. Its client is told what it would be told of one that is made up; the
 * metrics tell the two apart.
 */
export class SpentTokenError extends AuthError {
  readonly why: SpentReason;
  readonly provider: string | undefined;

  constructor(why: SpentReason, {id, provider}: Session) {
    super(
      'token_not_found',
      why === 'token_reused'
        ? `a refresh token of session ${id} was used again`
        : `the session ${id} of this refresh token has ended`,
    );
    this.why = why;
    this.provider = provider;
  }
}

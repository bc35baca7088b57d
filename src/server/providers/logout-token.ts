import {errors, type JWTVerifyGetKey} from 'jose';
import {isRecord} from '../../support/record.ts';
import {verifySigned} from './id-token.ts';

/** A provider's word that a session of its own, or a user's all, has ended. One of `sid` and `subject` is there. */
export interface LogoutToken {
  readonly issuer: string;
  readonly sid: string | undefined;
  readonly subject: string | undefined;
  readonly id: string;
  /** Seconds since the epoch, after which it would be refused anyway. */
  readonly expiresAt: number;
}

export interface LogoutTokenExpectation {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: JWTVerifyGetKey;
  readonly now: Date;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Types that say what it is, or nothing (Back-Channel Logout 2.4); another token of the provider names another. */
const TYPES = /^(application\/)?(logout\+)?jwt$/i;

/**
 * Checks a logout token as OpenID Connect Back-Channel Logout 1.0, section 2.6, says, but for its being used twice.
 * Throws a JOSEError that names the check that failed; rejects with the fetch's error where the keys cannot be had.
 */
export async function checkLogoutToken(
  token: string,
  expected: LogoutTokenExpectation,
): Promise<LogoutToken> {
  const {payload, protectedHeader} = await verifySigned(token, expected, ['iat', 'exp', 'jti', 'events']);
  const refuse = (claim: string): errors.JWTClaimValidationFailed =>
    new errors.JWTClaimValidationFailed(`unexpected "${claim}" claim value`, payload, claim, 'check_failed');
  if (protectedHeader.typ !== undefined && !TYPES.test(protectedHeader.typ)) throw refuse('typ');
  const {iss, sub, sid, jti, exp, events} = payload;
  const named = (value: unknown): value is string | undefined =>
    value === undefined || (typeof value === 'string' && /^\P{Cc}{1,255}$/u.test(value));
  if (!named(sub)) throw refuse('sub');
  if (!named(sid) || (sid === undefined && sub === undefined)) throw refuse('sid');
  if (!isRecord(events) || !isRecord(events[EVENT])) throw refuse('events');
  // What has a nonce is an ID token, and must not pass for this.
  if ('nonce' in payload) throw refuse('nonce');
  if (typeof jti !== 'string' || jti === '' || jti.length > 255) throw refuse('jti');
  if (iss === undefined || exp === undefined) throw refuse('exp');
  return {issuer: iss, sid, subject: sub, id: jti, expiresAt: exp};
}

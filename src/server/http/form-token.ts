import {createHmac, timingSafeEqual} from 'node:crypto';
import {AuthError} from '../../support/errors.ts';

/**
 * The token in the forms of a session's pages: who cannot read them cannot make up a post. Derived from the session's
 * cookie, which has 256 random bits, so that every replica knows it and it ends with the session.
 */
export function formToken(cookie: string): string {
  return createHmac('sha256', cookie).update('fraiseql-auth form').digest('base64url');
}

/** Throws `forbidden` where the post does not come from a page of this very session. */
export function checkFormToken(given: string, cookie: string): void {
  const [actual, expected] = [Buffer.from(given), Buffer.from(formToken(cookie))];
  if (actual.length === expected.length && timingSafeEqual(actual, expected)) return;
  throw new AuthError('forbidden', 'the form is of another session, or made up');
}

import type {LoginSettings} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';

/** Longest address that a browser is sent back to. */
const MAX_LENGTH = 2048;

/** Paths that would begin a login again or take its answer twice. */
const LOOPS = /^\/auth\/(?:start$|callback(?:\/|$))/;

/**
 * The absolute address that `return_to` means: a path on our own origin, or an address on an allowed one. Undefined for
 * all else, however it is spelled. The answer is always absolute, so that no browser reads it differently.
 */
export function resolveReturnTo(
  text: string,
  origin: string,
  allowed: readonly string[],
): string | undefined {
  if (text.length === 0 || text.length > MAX_LENGTH) return undefined;
  // Visible ASCII without the backslash, which browsers read as a slash; tabs and line ends they leave out.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) return undefined;
  const isPath = /^\/(?!\/)/.test(text);
  if (!isPath && !/^https?:\/\/[^/]/i.test(text)) return undefined;
  if (!URL.canParse(text, origin)) return undefined;
  const url = new URL(text, origin);
  if (url.username !== '' || url.password !== '') return undefined;
  if (url.origin !== origin && (isPath || !allowed.includes(url.origin))) return undefined;
  if (url.origin === origin && LOOPS.test(url.pathname)) return undefined;
  return url.href;
}

/** The same for what a request asked for, if it did. Throws `invalid_request` where that is not allowed. */
export function allowedReturnTo(text: string | undefined, settings: LoginSettings): string | undefined {
  if (text === undefined) return undefined;
  const returnTo = resolveReturnTo(text, settings.origin, settings.returnToOrigins);
  if (returnTo !== undefined) return returnTo;
  throw new AuthError('invalid_request', 'return_to is not allowed', {
    message: 'return_to must be a path of this server or an allowed origin',
  });
}

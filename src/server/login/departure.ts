import {SIGNED_OUT_PATH, signedOutAddress} from '../pages/addresses.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';

/** Where a browser goes when its session here has ended. */
export type Departure =
  | {readonly to: 'provider'; readonly url: URL; readonly name: string}
  | {readonly to: 'here'; readonly address: string};

/** What comes back with the browser from the provider's logout: at whose it was, and where it goes on to. */
export interface SignedOutState {
  readonly provider: string;
  readonly returnTo: string | undefined;
}

/**
 * Where the browser of that session, which has ended, goes next: to the provider, to sign out there too (RP-Initiated
 * Logout), and where that cannot be, to a page that says so. `returnTo` was found allowed.
 */
export function departureOf(
  services: Services,
  session: Session,
  {
    idToken,
    returnTo,
    requestId,
  }: {idToken: string | undefined; returnTo: string | undefined; requestId: string},
): Departure {
  const provider = session.provider === undefined ? undefined : services.providers.find(session.provider);
  if (!provider) return {to: 'here', address: returnTo ?? SIGNED_OUT_PATH};
  const {name, displayName} = provider.settings;
  const answer = provider.endSessionUrl({
    idToken,
    email: session.email,
    state: encodeState({provider: name, returnTo}),
  });
  if ('url' in answer) return {to: 'provider', url: answer.url, name: displayName};
  if (answer.why === 'disabled') return {to: 'here', address: returnTo ?? SIGNED_OUT_PATH};
  services.logger.info(
    {requestId, provider: name, why: answer.why},
    'signed out here, and not at the provider, which was not asked',
  );
  return {to: 'here', address: signedOutAddress(name, returnTo)};
}

/** It passes through the browser and the provider, so that it proves nothing: what it names is checked when it is back. */
export function encodeState({provider, returnTo}: SignedOutState): string {
  return Buffer.from(JSON.stringify([provider, returnTo])).toString('base64url');
}

/** Undefined for what `encodeState` did not make. */
export function decodeState(text: string): SignedOutState | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!Array.isArray(parts)) return undefined;
  const [provider, returnTo] = parts as unknown[];
  if (typeof provider !== 'string') return undefined;
  return {provider, returnTo: typeof returnTo === 'string' ? returnTo : undefined};
}

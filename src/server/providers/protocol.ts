import type {Clock} from '../../support/clock.ts';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import type {Identity} from '../sessions/session.ts';
import type {GuardedFetch} from './guarded-fetch.ts';
import type {LogoutToken} from './logout-token.ts';

/** What one login asks of the provider. */
export interface AuthorizationRequest {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Who logged in, and what the provider says of them: `email_verified` is the boolean true only where it vouches. */
export type ProvenIdentity = Identity & {
  readonly claims: Readonly<Record<string, unknown>>;
  /** The ID token as it came, where the provider gives one. */
  readonly idToken?: string;
};

/** What a sign-out asks of the provider (OpenID Connect RP-Initiated Logout 1.0, section 2). */
export interface EndSessionRequest {
  /** The ID token of the session's login, where it is still there. */
  readonly idToken: string | undefined;
  readonly email: string | undefined;
  readonly state: string;
}

/** How a provider is spoken to. Every method may reject with whatever its requests fail with. */
export interface Protocol {
  /** Looks whether it is there; run in the background. */
  probe(): Promise<void>;
  /** Gets what a login needs, where it is not there yet. */
  prepare(): Promise<void>;
  /** Where the user's browser goes to log in. */
  authorizationUrl(request: AuthorizationRequest): Promise<URL>;
  /**
   * Who an authorization response is about (RFC 9207, section 2.4): throws `oauth_error` where its `iss` is another's,
   * before the code is sent anywhere.
   */
  checkIssuer(iss: string | undefined): void;
  /** Exchanges the code for the user's identity. `callback` is our redirect URI with the answer's parameters. */
  exchange(callback: URL, request: AuthorizationRequest): Promise<ProvenIdentity>;
  /** Checks a logout token of this provider, where it sends such. */
  logoutToken?(token: string): Promise<LogoutToken>;
  /** Where the user's browser goes to sign out at the provider too; undefined where it has no such address. */
  endSessionUrl?(request: EndSessionRequest): URL | undefined;
}

/** Where that provider sends people back: to the address that all share, or to one below it of its own. */
export function redirectUriOf({name, callback}: ProviderSettings, shared: string): string {
  return callback === 'Own' ? `${shared}/${name}` : shared;
}

export interface ProtocolContext {
  readonly fetch: GuardedFetch;
  readonly allowedHosts: () => readonly string[];
  readonly clock: Clock;
  readonly redirectUri: string;
  /** Where the provider sends a browser that signed out there. */
  readonly postLogoutRedirectUri: string;
  /** Told when a provider's keys could not be fetched anew, and those of before stay in use. */
  readonly onStaleKeys: (provider: string, error: unknown) => void;
}

export type Connect = (settings: ProviderSettings, context: ProtocolContext) => Protocol;

/** A claim for people to read: control characters, which no database or header takes, are left out. */
export function readableClaim(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clean = value.replaceAll(/\p{Cc}/gu, '').slice(0, 320);
  return clean === '' ? undefined : clean;
}

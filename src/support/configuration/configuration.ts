import type {KeyObject} from 'node:crypto';
import type {LogLevel} from '../logging.ts';
import type {TlsFiles} from './tls.ts';

/**
 * What the auth server runs by: the environment and AUTH_CONFIG_FILE, read, checked and in the units that the code
 * uses. Nothing else in the program reads those variables.
 */
export interface Configuration {
  readonly development: boolean;
  readonly logLevel: LogLevel;
  readonly host: string;
  readonly port: number;
  /** Undefined: plain HTTP, behind something that ends TLS. */
  readonly tls: TlsFiles | undefined;
  readonly database: DatabaseSettings;
  readonly tokens: TokenSettings;
  readonly sessions: SessionSettings;
  readonly login: LoginSettings;
  readonly branding: Branding;
  readonly providers: readonly ProviderSettings[];
  /** Who may introspect tokens; undefined: nobody. */
  readonly introspection: IntrospectionClient | undefined;
  /** Exactly one of them signs. */
  readonly signingKeys: readonly SigningKey[];
  /** Hosts (`host` or `host:port`) that a provider may have on plain http or at a private address. */
  readonly allowedHosts: readonly string[];
  /** Addresses or CIDR blocks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Undefined where something in front of the server limits. */
  readonly rateLimits: RateLimits | undefined;
  /** Undefined: each replica has its own limits, and reads sessions by itself. */
  readonly redis: RedisSettings | undefined;
  /** Whether files that change are read again while the server runs. */
  readonly reload: 'On' | 'Keys' | 'Off';
  /** How long the server goes on serving after SIGTERM, while its readiness already says no. */
  readonly drainSeconds: number;
  /** What is odd but no reason to refuse the start; for the log. */
  readonly warnings: readonly string[];
}

/** What the replicas share beside the database. */
export interface RedisSettings {
  readonly url: string;
  /** Undefined: not over TLS. Its `ca`, PEM, is whom alone Redis's certificate may be of; without it any that Node trusts. */
  readonly tls: {readonly ca?: string} | undefined;
  /** How long one replica goes by what another one read of a session. */
  readonly sessionTtlSeconds: number;
}

/** Requests of one client address (of one session: refreshes), of all replicas together where they share Redis. */
export interface RateLimits {
  readonly startPerMinute: number;
  readonly callbackPerMinute: number;
  readonly refreshPerMinute: number;
  readonly logoutPerMinute: number;
  readonly failedLoginsPerHour: number;
}

interface DatabaseSettings {
  readonly url: string;
  /** The authority that the database's certificate must be of, a PEM file; undefined: as the URL says. */
  readonly caFile: string | undefined;
  readonly poolSize: number;
  readonly maxLifetimeSeconds: number;
}

/** Of access tokens. */
export interface TokenSettings {
  /** `iss` of the tokens that this server signs. */
  readonly issuer: string;
  /** Whose tokens, signed by our keys, are accepted as well: what `issuer` was before. */
  readonly previousIssuers: readonly string[];
  readonly audience: readonly string[];
  /** `client_id` of the tokens (RFC 9068): who asked for them. */
  readonly clientId: string;
  readonly lifetimeSeconds: number;
  /** How long others may keep our JWK Set. */
  readonly keysMaxAgeSeconds: number;
}

/** The client that may introspect tokens (RFC 7662), a gateway or an API. */
export interface IntrospectionClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

type Rotation = 'Rotate' | 'Static';

/** Of sessions and refresh tokens. */
export interface SessionSettings {
  readonly lifetimeSeconds: number;
  readonly idleSeconds: number;
  readonly replayWindowSeconds: number;
  readonly rotation: Rotation;
}

/** Of logins. */
export interface LoginSettings {
  readonly redirectUri: string;
  /** Origin of `redirectUri`: where browsers meet this server. */
  readonly origin: string;
  readonly binding: 'Cookie' | 'None';
  readonly lifetimeSeconds: number;
  readonly returnToOrigins: readonly string[];
  /** Mixed into what seals a login's secrets; without it they are sealed to the login's state alone. */
  readonly stateKey: Buffer | undefined;
}

/** How the pages for people look. */
export interface Branding {
  /** Whose sign-in it is; undefined: the host where browsers meet the server. */
  readonly name: string | undefined;
  /** An https URL, or a data URL of a picture. */
  readonly logoUrl: string | undefined;
  /** `#rgb` or `#rrggbb`; where it lacks contrast, the nearest colour that has it is shown. */
  readonly color: string | undefined;
}

/** Of one identity provider. */
export interface ProviderSettings {
  readonly name: string;
  readonly type: string;
  readonly displayName: string;
  readonly issuer: string;
  /** Set where the metadata stands elsewhere than the issuer says. */
  readonly discoveryUrl: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  /** Only users with a verified e-mail address in one of these domains may log in; empty: all. */
  readonly allowedEmailDomains: readonly string[];
  /** Own: it sends people back to an address that no other provider has. */
  readonly callback: 'Shared' | 'Own';
  /** Whether a person who signs out here is sent to the provider to sign out there (RP-Initiated Logout). */
  readonly rpInitiatedLogout: boolean;
}

export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
  /** Set on the one key that signs. */
  readonly privateKey: KeyObject | undefined;
}

/** One kind of identity provider: what its variables are called and what differs from plain OpenID Connect. */
export interface ProviderType {
  readonly type: string;
  readonly displayName: string;
  /** `<prefix>_CLIENT_ID` and `<prefix>_CLIENT_SECRET`. */
  readonly prefix: string;
  /** The issuer, where every user of this provider has the same one. */
  readonly issuer?: string;
  /** Variables that say where the provider is; one complete group of them is needed. */
  readonly locations: readonly ProviderLocation[];
  readonly scopes: readonly string[];
  /** What is wrong with an issuer for this kind, where not every URL will do; stands after the setting's name. */
  readonly issuerProblem?: (issuer: string) => string | undefined;
}

interface ProviderLocation {
  readonly variables: readonly string[];
  /** Builds the issuer (and the metadata's address) from the variables' values, in their order. */
  locate(...values: readonly string[]): {issuer: string; discoveryUrl?: string};
}

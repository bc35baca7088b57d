import * as oidc from 'openid-client';
import type {Clock} from '../../support/clock.ts';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import {isAllowedHost} from '../../support/configuration/urls.ts';
import {AuthError, providerUnavailable} from '../../support/errors.ts';
import {Dependency, type DependencyState} from '../health/dependency.ts';
import type {Identity} from '../sessions/session.ts';
import {exchangeFailure, explain, providerFault} from './failures.ts';
import type {GuardedFetch} from './guarded-fetch.ts';
import {checkIdToken, CLOCK_TOLERANCE_SECONDS, type IdTokenClaims} from './id-token.ts';
import {KeyCache} from './key-cache.ts';

export interface ProviderContext {
  readonly fetch: GuardedFetch;
  readonly allowedHosts: () => readonly string[];
  readonly clock: Clock;
  readonly redirectUri: string;
  readonly goodMs: number;
  readonly badMs: number;
  /** Told when a provider's keys could not be fetched anew, and those of before stay in use. */
  readonly onStaleKeys: (provider: string, error: unknown) => void;
  /** Told when the provider refuses our own client id or secret, and when it takes them again. */
  readonly onCredentials: (provider: string, refused: boolean) => void;
  readonly onChange: (
    provider: string,
    state: DependencyState,
    fault: string | undefined,
    error: unknown,
  ) => void;
}

/** What one login asks of the provider. */
export interface AuthorizationRequest {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

interface Discovered {
  readonly client: oidc.Configuration;
  readonly keys: KeyCache;
}

/** One identity provider: its metadata, its keys, its health, and the code flow with it. */
export class Provider {
  readonly settings: ProviderSettings;
  readonly health: Dependency;
  readonly #context: ProviderContext;
  #discovered: Discovered | undefined;
  #discovering: Promise<Discovered> | undefined;
  #refused = false;

  constructor(settings: ProviderSettings, context: ProviderContext) {
    this.settings = settings;
    this.#context = context;
    this.health = new Dependency({
      name: `provider:${settings.name}`,
      probe: () => this.#probe(),
      fault: providerFault,
      clock: context.clock,
      goodMs: context.goodMs,
      badMs: context.badMs,
      threshold: 2,
      onChange: (state, fault, error) => context.onChange(settings.name, state, fault, error),
    });
  }

  /** Whether logins cannot succeed at the moment: it is down, or it does not know us. */
  get failing(): boolean {
    return this.#refused || this.health.state === 'down';
  }

  async #probe(): Promise<void> {
    const {keys} = await this.#discover();
    try {
      await keys.refresh();
    } catch (error) {
      // With the keys of before, logins go on.
      if (!keys.loaded) throw error;
      this.#context.onStaleKeys(this.settings.name, error);
    }
  }

  /** Where the user's browser goes to log in. Throws the 502 at once where the provider is known to be away. */
  async authorizationUrl(request: AuthorizationRequest): Promise<URL> {
    const {client} = await this.#available();
    const parameters = {
      redirect_uri: this.#context.redirectUri,
      scope: this.settings.scopes.join(' '),
      response_type: 'code',
      state: request.state,
      nonce: request.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(request.verifier),
      code_challenge_method: 'S256',
    };
    if (client.serverMetadata().pushed_authorization_request_endpoint === undefined)
      return oidc.buildAuthorizationUrl(client, parameters);
    // RFC 9126: what is asked does not pass through the browser, where it could be changed.
    try {
      return await oidc.buildAuthorizationUrlWithPAR(client, parameters);
    } catch (error) {
      this.#failed(error);
      throw providerUnavailable(`the pushed authorization request: ${explain(error)}`, error);
    }
  }

  /**
   * Who an authorization response is about (RFC 9207, section 2.4): without a matching `iss` the code is not sent
   * anywhere.
   */
  async checkIssuer(iss: string | undefined): Promise<void> {
    const metadata = (await this.#available()).client.serverMetadata();
    if (iss === undefined) {
      if (metadata.authorization_response_iss_parameter_supported === true)
        throw new AuthError('oauth_error', 'the provider promises iss in its answers, and this one has none');
    } else if (iss !== metadata.issuer) {
      throw new AuthError('oauth_error', 'the answer is of another issuer than the one asked');
    }
  }

  /** Exchanges the code for the user's identity. `callback` is our redirect URI with the answer's parameters. */
  async exchange(callback: URL, request: AuthorizationRequest): Promise<Identity & {claims: IdTokenClaims}> {
    const {client, keys} = await this.#available();
    try {
      const tokens = await oidc.authorizationCodeGrant(client, callback, {
        pkceCodeVerifier: request.verifier,
        expectedState: request.state,
        expectedNonce: request.nonce,
        idTokenExpected: true,
      });
      const claims = await checkIdToken(tokens.id_token ?? '', {
        issuer: client.serverMetadata().issuer,
        clientId: this.settings.clientId,
        nonce: request.nonce,
        accessToken: tokens.access_token,
        keys: keys.find,
        now: new Date(this.#context.clock.now()),
      });
      const profile = await this.#profile(client, tokens.access_token, claims);
      this.health.record();
      this.#setRefused(false);
      return {
        provider: this.settings.name,
        issuer: claims.iss,
        subject: claims.sub,
        email: text(profile['email']),
        name: text(profile['name']),
        claims: profile,
      };
    } catch (error) {
      const failure = exchangeFailure(error);
      if (failure.status === 502) this.#failed(error);
      throw failure;
    }
  }

  /**
   * A wrong client secret is not seen by a probe, only by a login. It does not open the breaker: the login that finds
   * the secret put right at the provider must get through.
   */
  #failed(error: unknown): void {
    if (providerFault(error) === 'authentication_failed') this.#setRefused(true);
    else this.health.suspect();
  }

  #setRefused(refused: boolean): void {
    if (this.#refused === refused) return;
    this.#refused = refused;
    this.#context.onCredentials(this.settings.name, refused);
  }

  /** The ID token's claims, and the userinfo's where the e-mail address was asked for and is only there. */
  async #profile(
    client: oidc.Configuration,
    accessToken: string,
    claims: IdTokenClaims,
  ): Promise<IdTokenClaims> {
    const hasUserInfo = client.serverMetadata().userinfo_endpoint !== undefined;
    if (claims['email'] !== undefined || !hasUserInfo || !this.settings.scopes.includes('email'))
      return claims;
    // A userinfo of another subject is refused (Core 5.3.2), inside this call.
    const more = await oidc.fetchUserInfo(client, accessToken, claims.sub);
    return {...more, ...claims};
  }

  async #available(): Promise<Discovered> {
    if (this.health.state === 'down')
      throw providerUnavailable(`the provider ${this.settings.name} is down: ${this.health.fault ?? ''}`);
    if (this.#discovered) return this.#discovered;
    try {
      return await this.#discover();
    } catch (error) {
      this.health.record(error);
      throw providerUnavailable(`discovery of ${this.settings.name}: ${explain(error)}`, error);
    }
  }

  /** Fetches the metadata; one fetch for all who wait. What was fetched before stays where this fails. */
  #discover(): Promise<Discovered> {
    this.#discovering ??= this.#fetchMetadata().finally(() => {
      this.#discovering = undefined;
    });
    return this.#discovering;
  }

  async #fetchMetadata(): Promise<Discovered> {
    const {settings} = this;
    const server = new URL(settings.discoveryUrl ?? settings.issuer);
    const {fetch} = this.#context;
    const client = await oidc.discovery(
      server,
      settings.clientId,
      {
        ...(settings.clientSecret === undefined ? {} : {client_secret: settings.clientSecret}),
        [oidc.clockTolerance]: CLOCK_TOLERANCE_SECONDS,
      },
      undefined,
      {
        // Whether http may be used is the guarded fetch's to say, for each host.
        execute: [oidc.allowInsecureRequests],
        [oidc.customFetch]: fetch,
        timeout: 8,
      },
    );
    const metadata = client.serverMetadata();
    if (new URL(metadata.issuer).href !== new URL(settings.issuer).href)
      throw new Error('the metadata is of another issuer than the one configured');
    const {authorization_endpoint: authorization, token_endpoint: token, jwks_uri: jwks} = metadata;
    if (authorization === undefined || token === undefined || jwks === undefined)
      throw new Error('the metadata names no authorization endpoint, token endpoint or JWKS');
    const page = new URL(authorization);
    if (page.protocol !== 'https:' && !isAllowedHost(page, this.#context.allowedHosts()))
      throw new Error('the authorization endpoint is not https');
    const authenticated = this.#withAuthentication(metadata);
    const known = this.#discovered;
    const keys =
      known && known.client.serverMetadata().jwks_uri === jwks
        ? known.keys
        : new KeyCache(jwks, fetch, this.#context.clock);
    this.#discovered = {client: authenticated, keys};
    return this.#discovered;
  }

  /** A client that proves itself in the way that the provider takes (Core 9): Basic where it may. */
  #withAuthentication(metadata: oidc.ServerMetadata): oidc.Configuration {
    const {clientId, clientSecret} = this.settings;
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authentication =
      clientSecret === undefined
        ? oidc.None()
        : methods.includes('client_secret_basic')
          ? oidc.ClientSecretBasic(clientSecret)
          : oidc.ClientSecretPost(clientSecret);
    const client = new oidc.Configuration(
      metadata,
      clientId,
      {[oidc.clockTolerance]: CLOCK_TOLERANCE_SECONDS},
      authentication,
    );
    oidc.allowInsecureRequests(client);
    client[oidc.customFetch] = this.#context.fetch;
    client.timeout = 8;
    return client;
  }
}

/** A claim for people to read: control characters, which no database or header takes, are left out. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clean = value.replaceAll(/\p{Cc}/gu, '').slice(0, 320);
  return clean === '' ? undefined : clean;
}

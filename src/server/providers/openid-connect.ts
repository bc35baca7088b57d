import {decodeJwt} from 'jose';
import * as oidc from 'openid-client';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import {isAllowedHost} from '../../support/configuration/urls.ts';
import {AuthError} from '../../support/errors.ts';
import {checkIdToken, CLOCK_TOLERANCE_SECONDS, type IdTokenClaims} from './id-token.ts';
import {KeyCache} from './key-cache.ts';
import {checkLogoutToken, type LogoutToken} from './logout-token.ts';
import {
  readableClaim,
  type AuthorizationRequest,
  type EndSessionRequest,
  type Protocol,
  type ProtocolContext,
  type ProvenIdentity,
} from './protocol.ts';

interface Discovered {
  readonly client: oidc.Configuration;
  readonly keys: KeyCache;
}

/** What a kind of OpenID provider does otherwise than Core says. */
export interface Dialect {
  /** Whether the provider vouches for the e-mail address; undefined where it does not say. Default: `email_verified`. */
  readonly emailVerified?: (claims: Readonly<Record<string, unknown>>) => boolean | undefined;
}

/** OpenID Connect's code flow with one provider: its metadata and its keys. */
export class OpenIdConnect implements Protocol {
  readonly #settings: ProviderSettings;
  readonly #context: ProtocolContext;
  readonly #dialect: Dialect;
  #discovered: Discovered | undefined;
  #discovering: Promise<Discovered> | undefined;

  constructor(settings: ProviderSettings, context: ProtocolContext, dialect: Dialect = {}) {
    this.#settings = settings;
    this.#context = context;
    this.#dialect = dialect;
  }

  async probe(): Promise<void> {
    const {keys} = await this.#discover();
    try {
      await keys.refresh();
    } catch (error) {
      // With the keys of before, logins go on.
      if (!keys.loaded) throw error;
      this.#context.onStaleKeys(this.#settings.name, error);
    }
  }

  async prepare(): Promise<void> {
    if (!this.#discovered) await this.#discover();
  }

  async authorizationUrl(request: AuthorizationRequest): Promise<URL> {
    const {client} = this.#ready();
    const parameters = {
      redirect_uri: this.#context.redirectUri,
      scope: this.#settings.scopes.join(' '),
      response_type: 'code',
      state: request.state,
      nonce: request.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(request.verifier),
      code_challenge_method: 'S256',
    };
    // RFC 9126: what is asked does not pass through the browser, where it could be changed.
    return client.serverMetadata().pushed_authorization_request_endpoint === undefined
      ? oidc.buildAuthorizationUrl(client, parameters)
      : oidc.buildAuthorizationUrlWithPAR(client, parameters);
  }

  checkIssuer(iss: string | undefined): void {
    const metadata = this.#ready().client.serverMetadata();
    if (iss === undefined) {
      if (metadata.authorization_response_iss_parameter_supported === true)
        throw new AuthError('oauth_error', 'the provider promises iss in its answers, and this one has none');
    } else if (iss !== metadata.issuer) {
      throw new AuthError('oauth_error', 'the answer is of another issuer than the one asked');
    }
  }

  async exchange(callback: URL, request: AuthorizationRequest): Promise<ProvenIdentity> {
    const {client, keys} = this.#ready();
    const tokens = await oidc.authorizationCodeGrant(client, callback, {
      pkceCodeVerifier: request.verifier,
      expectedState: request.state,
      expectedNonce: request.nonce,
      idTokenExpected: true,
    });
    const claims = await checkIdToken(tokens.id_token ?? '', {
      issuer: client.serverMetadata().issuer,
      clientId: this.#settings.clientId,
      nonce: request.nonce,
      accessToken: tokens.access_token,
      keys: keys.find,
      now: new Date(this.#context.clock.now()),
    });
    const profile = await this.#profile(client, tokens.access_token, claims);
    const {emailVerified} = this.#dialect;
    const verified = emailVerified ? emailVerified(profile) : profile['email_verified'];
    return {
      provider: this.#settings.name,
      issuer: claims.iss,
      subject: claims.sub,
      // Applications take the address that they are told for the user's. Where the provider says that it is not, or may
      // not be, they are told none; a provider that never says so is taken at its word.
      email: verified === true || verified === undefined ? readableClaim(profile['email']) : undefined,
      name: readableClaim(profile['name']),
      providerSession: readableClaim(claims['sid']),
      ...(tokens.id_token !== undefined && {idToken: tokens.id_token}),
      claims: {...profile, email_verified: verified},
    };
  }

  async logoutToken(token: string): Promise<LogoutToken> {
    const {client, keys} = this.#ready();
    return checkLogoutToken(token, {
      issuer: client.serverMetadata().issuer,
      clientId: this.#settings.clientId,
      keys: keys.find,
      now: new Date(this.#context.clock.now()),
    });
  }

  endSessionUrl({idToken, email, state}: EndSessionRequest): URL | undefined {
    const {client} = this.#ready();
    const {end_session_endpoint: endpoint} = client.serverMetadata();
    if (endpoint === undefined || !this.#isPage(endpoint)) return undefined;
    const claims = idToken === undefined ? undefined : this.#ownClaims(client, idToken);
    // What an ID token names as its hint is Microsoft's; without an ID token the address is the best there is.
    const hint = claims ? readableClaim(claims['login_hint']) : email;
    return oidc.buildEndSessionUrl(client, {
      post_logout_redirect_uri: this.#context.postLogoutRedirectUri,
      state,
      ...(claims && idToken !== undefined && {id_token_hint: idToken}),
      ...(hint !== undefined && {logout_hint: hint}),
    });
  }

  /** The claims of an ID token that is of this provider for this client: another's is told to nobody. */
  #ownClaims(client: oidc.Configuration, idToken: string): Readonly<Record<string, unknown>> | undefined {
    const claims = decodeJwt(idToken);
    const isOurs = [claims.aud].flat().includes(this.#settings.clientId);
    return isOurs && claims.iss === client.serverMetadata().issuer ? claims : undefined;
  }

  /** Whether a browser may be sent there: https, or http where the host is allowed. */
  #isPage(address: string): boolean {
    const url = URL.parse(address);
    if (url === null || url.username !== '' || url.password !== '') return false;
    const {protocol} = url;
    return (
      protocol === 'https:' || (protocol === 'http:' && isAllowedHost(url, this.#context.allowedHosts()))
    );
  }

  /** The ID token's claims, and the userinfo's where the e-mail address was asked for and is only there. */
  async #profile(
    client: oidc.Configuration,
    accessToken: string,
    claims: IdTokenClaims,
  ): Promise<IdTokenClaims> {
    const hasUserInfo = client.serverMetadata().userinfo_endpoint !== undefined;
    if (claims['email'] !== undefined || !hasUserInfo || !this.#settings.scopes.includes('email'))
      return claims;
    // A userinfo of another subject is refused (Core 5.3.2), inside this call.
    const more = await oidc.fetchUserInfo(client, accessToken, claims.sub);
    return {...more, ...claims};
  }

  #ready(): Discovered {
    if (this.#discovered) return this.#discovered;
    throw new Error('the provider is asked before its metadata is there');
  }

  /** Fetches the metadata; one fetch for all who wait. What was fetched before stays where this fails. */
  #discover(): Promise<Discovered> {
    this.#discovering ??= this.#fetchMetadata().finally(() => {
      this.#discovering = undefined;
    });
    return this.#discovering;
  }

  async #fetchMetadata(): Promise<Discovered> {
    const settings = this.#settings;
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
    if (!this.#isPage(authorization)) throw new Error('the authorization endpoint is not https');
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
    const {clientId, clientSecret} = this.#settings;
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

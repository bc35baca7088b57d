import {errors} from 'jose';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import {AuthError, providerUnavailable} from '../../support/errors.ts';
import {Breaker} from '../health/breaker.ts';
import {Dependency, type DependencyState} from '../health/dependency.ts';
import {connectionFor} from './catalogue.ts';
import type {LogoutToken} from './logout-token.ts';
import {exchangeFailure, explain, isOutage, providerFault} from './failures.ts';
import {
  redirectUriOf,
  type AuthorizationRequest,
  type EndSessionRequest,
  type Protocol,
  type ProtocolContext,
  type ProvenIdentity,
} from './protocol.ts';

export interface ProviderContext extends ProtocolContext {
  readonly goodMs: number;
  readonly badMs: number;
  /** Told when the provider refuses our own client id or secret, and when it takes them again. */
  readonly onCredentials: (provider: string, refused: boolean) => void;
  /** Told of a provider that is no longer in use. */
  readonly onGone: (provider: string) => void;
  readonly onChange: (
    provider: string,
    state: DependencyState,
    fault: string | undefined,
    error: unknown,
  ) => void;
}

/** A discovery that failed is not tried again before. */
const DISCOVERY_AGAIN_MS = 1_000;

/** One identity provider: its health, whether it knows us, and the code flow with it in whatever protocol it speaks. */
export class Provider {
  readonly settings: ProviderSettings;
  readonly health: Dependency;
  /** Where it sends people back. */
  readonly redirectUri: string;
  readonly #context: ProviderContext;
  readonly #protocol: Protocol;
  /** What no probe tries out: the token endpoint and userinfo, and the endpoint of pushed requests. */
  readonly #exchanges: Breaker;
  readonly #requests: Breaker;
  #refused = false;
  /** A discovery that failed, and until when it is not tried again. */
  #undiscovered: {readonly error: unknown; readonly until: number} | undefined;

  constructor(settings: ProviderSettings, context: ProviderContext) {
    this.settings = settings;
    this.#context = context;
    this.redirectUri = redirectUriOf(settings, context.redirectUri);
    this.#protocol = connectionFor(settings.type)(settings, {...context, redirectUri: this.redirectUri});
    this.health = new Dependency({
      name: `provider:${settings.name}`,
      probe: () => this.#protocol.probe(),
      fault: providerFault,
      clock: context.clock,
      goodMs: context.goodMs,
      badMs: context.badMs,
      threshold: 2,
      onChange: (state, fault, error) => {
        // While an endpoint does not answer, it is not up whatever its metadata say.
        if (state !== 'up' || !this.#broken) context.onChange(settings.name, state, fault, error);
      },
    });
    const breaker = (): Breaker => new Breaker(isOutage, (_open, error) => this.#tell(error));
    this.#exchanges = breaker();
    this.#requests = breaker();
  }

  /** Whether logins cannot succeed at the moment: it is down, or it does not know us. */
  get failing(): boolean {
    return this.#refused || this.#broken || this.health.state === 'down';
  }

  get #broken(): boolean {
    return this.#exchanges.open || this.#requests.open;
  }

  /** An endpoint answers no more, or answers again. */
  #tell(error: unknown): void {
    const {state, fault} = this.health;
    if (this.#broken) this.#context.onChange(this.settings.name, 'down', providerFault(error), error);
    else if (state !== 'unknown') this.#context.onChange(this.settings.name, state, fault, undefined);
  }

  /** Where the user's browser goes to log in. Throws the 502 at once where the provider is known to be away. */
  async authorizationUrl(request: AuthorizationRequest): Promise<URL> {
    await this.available();
    try {
      return await this.#requests.run(() => this.#protocol.authorizationUrl(request));
    } catch (error) {
      this.#failed(error);
      throw providerUnavailable(`the authorization request: ${explain(error)}`, error);
    }
  }

  /**
   * Who an authorization response is about (RFC 9207, section 2.4): without a matching `iss` the code is not sent
   * anywhere.
   */
  async checkIssuer(iss: string | undefined): Promise<void> {
    await this.available();
    this.#protocol.checkIssuer(iss);
  }

  /**
   * Whether an answer that came to that address of ours may be of this provider (RFC 9700, section 4.4.2): `at` is the name
   * in it. Throws `oauth_error` where it is the address of another one.
   */
  checkCallback(at: string | undefined): void {
    const {name, callback} = this.settings;
    if (at !== (callback === 'Own' ? name : undefined))
      throw new AuthError('oauth_error', `the answer came to the address of ${at ?? 'other providers'}`);
  }

  /** Exchanges the code for the user's identity. `callback` is our redirect URI with the answer's parameters. */
  async exchange(callback: URL, request: AuthorizationRequest): Promise<ProvenIdentity> {
    await this.available();
    try {
      const exchange = (): Promise<ProvenIdentity> => this.#protocol.exchange(callback, request);
      // An answer that is a refusal reaches no endpoint, and says nothing of it.
      const identity = await (callback.searchParams.has('error')
        ? exchange()
        : this.#exchanges.run(exchange));
      this.health.record();
      this.#setRefused(false);
      return identity;
    } catch (error) {
      const failure = exchangeFailure(error);
      // What came by way of the browser may be made up: nothing is concluded from it.
      if (failure.status === 502 && !callback.searchParams.has('error')) this.#failed(error);
      throw failure;
    }
  }

  /**
   * Checks a logout token of this provider. Throws `invalid_request` where it is not good, and the 502 where the keys
   * cannot be had. Who sends one is there, whatever the last look at its health said.
   */
  async logoutToken(token: string): Promise<LogoutToken> {
    try {
      await this.#prepare();
      if (this.#protocol.logoutToken) return await this.#protocol.logoutToken(token);
    } catch (error) {
      if (!(error instanceof errors.JOSEError))
        throw providerUnavailable(`the keys of ${this.settings.name}: ${explain(error)}`, error);
      throw new AuthError('invalid_request', `the logout token is not acceptable: ${explain(error)}`, {
        message: 'logout_token is not acceptable',
        oauth: 'invalid_request',
        cause: error,
      });
    }
    throw new AuthError('not_found', `the provider ${this.settings.name} sends no logout tokens`);
  }

  /**
   * Where the user's browser goes to sign out at the provider too, or why it does not go there. Waits for nothing: a
   * provider that is not known to be there is not asked.
   */
  endSessionUrl(request: EndSessionRequest): {url: URL} | {why: 'disabled' | 'away' | 'unsupported'} {
    if (!this.settings.rpInitiatedLogout) return {why: 'disabled'};
    if (this.health.state !== 'up') return {why: 'away'};
    const url = this.#protocol.endSessionUrl?.(request);
    return url ? {url} : {why: 'unsupported'};
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

  /** Whoever sends what makes it ask for the metadata, the provider is not asked more often than once a second. */
  async #prepare(): Promise<void> {
    const {clock} = this.#context;
    if (this.#undiscovered && clock.monotonic() < this.#undiscovered.until) throw this.#undiscovered.error;
    try {
      await this.#protocol.prepare();
      this.#undiscovered = undefined;
    } catch (error) {
      this.#undiscovered = {error, until: clock.monotonic() + DISCOVERY_AGAIN_MS};
      throw error;
    }
  }

  /** Throws the 502 where it is known to be away, or its metadata cannot be had. */
  async available(): Promise<void> {
    if (this.health.state === 'down')
      throw providerUnavailable(`the provider ${this.settings.name} is down: ${this.health.fault ?? ''}`);
    try {
      await this.#prepare();
    } catch (error) {
      this.health.record(error);
      throw providerUnavailable(`discovery of ${this.settings.name}: ${explain(error)}`, error);
    }
  }
}

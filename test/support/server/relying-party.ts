// Our side of a login as the server runs it, against a provider that says whatever a test wants: metadata, code, token
// endpoint, ID token and userinfo over real HTTP. What comes after (session, database) is no part of these rules.
import {randomBytes} from 'node:crypto';
import {createGuardedFetch} from '../../../src/server/providers/guarded-fetch.ts';
import type {ProvenIdentity} from '../../../src/server/providers/protocol.ts';
import {Provider} from '../../../src/server/providers/provider.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {AuthError} from '../../../src/support/errors.ts';
import {startHostileProvider, type Answer, type HostileProvider} from './hostile-provider.ts';

export const CLIENT = 'auth-server';
const SECRET = 'a client secret that is long enough';
const REDIRECT_URI = 'https://auth.example.com/auth/callback';

export interface RelyingParty {
  readonly op: HostileProvider;
  /** The address that the last login sent the browser to. */
  readonly asked: URL;
  /** A login whose provider answers so; `parameters` are added to what the browser brings back. */
  login(answer?: Answer, parameters?: Record<string, string>): Promise<ProvenIdentity>;
  /** That login must be refused with a 401; returns the reason that the log tells. */
  refusal(answer: Answer, parameters?: Record<string, string>): Promise<string>;
  /** That login must fail with a 502: not the user's doing, but the provider's; returns the reason. */
  breakage(answer: Answer): Promise<string>;
  /** Where a sign-out sends the browser, once there was a login. */
  logout: Provider['endSessionUrl'];
  close(): Promise<void>;
}

/**
 * `path` stands after the issuer's origin, as a tenant's does; `allowed` says which hosts may be private and on http, where
 * not all of this machine may.
 */
export async function startRelyingParty(
  path = '',
  allowed: (op: HostileProvider) => string[] = () => ['127.0.0.1'],
): Promise<RelyingParty> {
  const op = await startHostileProvider(CLIENT, SECRET, path);
  const allowedHosts = (): string[] => allowed(op);
  const outbound = createGuardedFetch({allowedHosts});
  const provider = new Provider(
    {
      name: 'op',
      type: 'oidc',
      displayName: 'OP',
      issuer: op.issuer,
      discoveryUrl: undefined,
      clientId: CLIENT,
      clientSecret: SECRET,
      scopes: ['openid', 'email', 'profile'],
      allowedEmailDomains: [],
      callback: 'Shared',
      rpInitiatedLogout: true,
    },
    {
      fetch: outbound.fetch,
      allowedHosts,
      clock: systemClock,
      redirectUri: REDIRECT_URI,
      postLogoutRedirectUri: 'https://auth.example.com/auth/signed-out',
      goodMs: 60_000,
      badMs: 60_000,
      onStaleKeys: () => undefined,
      onCredentials: () => undefined,
      onChange: () => undefined,
      onGone: () => undefined,
    },
  );
  let asked = new URL(REDIRECT_URI);

  async function login(
    answer: Answer = {},
    parameters: Record<string, string> = {},
  ): Promise<ProvenIdentity> {
    op.answer = answer;
    const request = {state: secret(), nonce: secret(), verifier: secret()};
    asked = await provider.authorizationUrl(request);
    const callback = op.redirect(asked, parameters);
    await provider.checkIssuer(callback.searchParams.get('iss') ?? undefined);
    return provider.exchange(callback, request);
  }

  async function failure(status: number, attempt: Promise<ProvenIdentity>): Promise<string> {
    const error = await attempt.then(
      () => 'logged in',
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof AuthError) || error.status !== status || error.code !== 'oauth_error')
      throw new Error(`expected a refusal with ${status}, and got: ${String(error)}`);
    return error.reason;
  }

  return {
    op,
    get asked() {
      return asked;
    },
    login,
    refusal: (answer, parameters) => failure(401, login(answer, parameters)),
    logout: (request) => provider.endSessionUrl(request),
    breakage: (answer) => failure(502, login(answer)),
    async close() {
      provider.health.stop();
      await outbound.close();
      await op.close();
    },
  };
}

const secret = (): string => randomBytes(32).toString('base64url');

export const epoch = (): number => Math.floor(Date.now() / 1000);

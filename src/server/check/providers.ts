import {randomBytes} from 'node:crypto';
import {ResponseBodyError} from 'openid-client';
import {sleep, type Clock} from '../../support/clock.ts';
import type {Configuration, ProviderSettings} from '../../support/configuration/configuration.ts';
import {SIGNED_OUT_PATH} from '../pages/addresses.ts';
import {connectionFor} from '../providers/catalogue.ts';
import {explain, isOutage, printable, providerFault} from '../providers/failures.ts';
import {createGuardedFetch, type GuardedFetch} from '../providers/guarded-fetch.ts';
import {redirectUriOf, type AuthorizationRequest} from '../providers/protocol.ts';
import {CheckError} from './problem.ts';

/** A provider that does not answer is asked so often, with a pause between, before it counts as away. */
const TRIES = 3;
const PAUSE_MS = 1_000;
/** A page of RFC 6749, section 4.1.2.1: the person is told, and not sent back. */
const REFUSED: ReadonlySet<number> = new Set([400, 401, 404]);

type Verdict =
  | {readonly state: 'accepted'}
  | {readonly state: 'away' | 'refused'; readonly provider: string; readonly why: string};

/**
 * Asks each provider whether a login would begin and end: its metadata, its authorization endpoint with what a browser
 * would bring there, and its token endpoint with a code that it never gave, which it refuses for the code's sake or, if
 * it does not know us, for ours.
 * @throws CheckError naming those that are away or refuse us
 */
export async function checkProviders(configuration: Configuration, clock: Clock): Promise<void> {
  const outbound = createGuardedFetch({allowedHosts: () => configuration.allowedHosts});
  try {
    const verdicts = await Promise.all(
      configuration.providers.map((settings) => patiently(settings, configuration, outbound.fetch, clock)),
    );
    const failed = verdicts.filter((verdict) => verdict.state !== 'accepted');
    if (failed.length === 0) return;
    const refused = failed.filter(({state}) => state === 'refused');
    const told = refused.length > 0 ? refused : failed;
    throw new CheckError(
      refused.length > 0 ? 'ProviderInvalid' : 'ProviderUnreachable',
      told.map(({provider, why}) => `Provider ${provider} ${why}`).join('; '),
      refused.length > 0
        ? `Check issuerURL, client-id, client-secret and scopes, and that ${redirectUris(configuration, refused)} is registered there as redirect URI`
        : 'Check that it runs and is reachable from the pods',
      {providers: failed.map(({provider}) => provider)},
    );
  } finally {
    await outbound.close();
  }
}

/** The redirect URIs of the providers of these verdicts, each once. */
function redirectUris({providers, login}: Configuration, verdicts: readonly {provider: string}[]): string {
  const named = new Set(verdicts.map(({provider}) => provider));
  const uris = providers
    .filter(({name}) => named.has(name))
    .map((settings) => redirectUriOf(settings, login.redirectUri));
  return [...new Set(uris)].join(' or ');
}

async function patiently(
  settings: ProviderSettings,
  configuration: Configuration,
  fetch: GuardedFetch,
  clock: Clock,
): Promise<Verdict> {
  for (let tries = 1; ; tries++) {
    const verdict = await ask(settings, configuration, fetch, clock);
    if (verdict.state !== 'away' || tries === TRIES) return verdict;
    await sleep(clock, PAUSE_MS);
  }
}

async function ask(
  settings: ProviderSettings,
  {allowedHosts, login}: Configuration,
  fetch: GuardedFetch,
  clock: Clock,
): Promise<Verdict> {
  const {name: provider} = settings;
  // A server that is overloaded or broken says nothing of us, whatever the library makes of its answer.
  let troubled: number | undefined;
  const redirectUri = redirectUriOf(settings, login.redirectUri);
  const protocol = connectionFor(settings.type)(settings, {
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (response.status >= 500 || response.status === 429) troubled = response.status;
      return response;
    },
    allowedHosts: () => allowedHosts,
    clock,
    redirectUri,
    postLogoutRedirectUri: login.origin + SIGNED_OUT_PATH,
    onStaleKeys: () => undefined,
  });
  const failed = (step: string, error: unknown): Verdict => {
    if (troubled !== undefined) return {state: 'away', provider, why: `answers ${step} with ${troubled}`};
    const fault = providerFault(error);
    if (fault === 'unreachable' || fault === 'timeout')
      return {state: 'away', provider, why: `does not answer ${step}: ${explain(error)}`};
    if (fault === 'authentication_failed') return refusedUs(provider, error);
    return {state: 'refused', provider, why: `fails ${step}: ${inWords(error)}`};
  };

  const request: AuthorizationRequest = {state: random(), nonce: random(), verifier: random()};
  try {
    await protocol.prepare();
    await protocol.probe();
  } catch (error) {
    return failed('its discovery', error);
  }
  try {
    // Where it takes pushed requests (RFC 9126), it has its say already here.
    const address = await protocol.authorizationUrl(request);
    // No redirect is followed: the first answer says whether we are known.
    const page = await fetch(address.href, {headers: {accept: 'text/html', 'user-agent': 'fraiseql-auth'}});
    if (page.status >= 500 || page.status === 429)
      return {state: 'away', provider, why: `answers the authorization request with ${page.status}`};
    const error = refusalIn(page, address, redirectUri);
    if (error !== undefined)
      return {state: 'refused', provider, why: `refuses the authorization request: ${error}`};
  } catch (error) {
    return failed('the authorization request', error);
  }
  const callback = new URL(redirectUri);
  callback.search = new URLSearchParams({code: random(), state: request.state}).toString();
  try {
    await protocol.exchange(callback, request);
  } catch (error) {
    const fault = providerFault(error);
    if (fault === 'authentication_failed') return refusedUs(provider, error);
    // No login would end, whatever the code: nobody answers there, or we must not ask.
    if (isOutage(error) || fault === 'forbidden_address') return failed('the token request', error);
    // Every other answer is about the code, which is none of the provider's; and a 429 about how often somebody has
    // tried, which says that the endpoint is there and nothing of this configuration.
  }
  return {state: 'accepted'};
}

function refusedUs(provider: string, error: unknown): Verdict {
  return {state: 'refused', provider, why: `refuses the client id or secret: ${inWords(error)}`};
}

/** The provider's own error code where it gave one (RFC 6749, section 5.2). */
function inWords(error: unknown): string {
  if (error instanceof ResponseBodyError)
    return printable([error.error, error.error_description ?? ''].join(' ').trim());
  return explain(error);
}

/** What a provider has against an authorization request; undefined where it goes on with it. */
export function refusalIn(page: Response, asked: URL, redirectUri: string): string | undefined {
  if (REFUSED.has(page.status)) return `it answers ${page.status}`;
  const location = page.headers.get('location');
  if (page.status < 300 || page.status >= 400 || location === null) return undefined;
  const target = URL.parse(location, asked.href);
  if (target === null) return undefined;
  const error = target.searchParams.get('error');
  if (target.href.startsWith(redirectUri)) return error === null ? undefined : printable(error);
  // Where a provider shows its own page for it, as Google does at /signin/oauth/error.
  return /(^|\/)error(\/|$)/.test(target.pathname)
    ? `it leads to ${target.host}${target.pathname}`
    : undefined;
}

const random = (): string => randomBytes(32).toString('base64url');

import type {ProviderSettings} from './configuration.ts';
import type {Findings} from './problems.ts';
import {withoutSlash} from './urls.ts';
import type {Variables} from './variables.ts';

/** An address, and the name of the setting that it stands in. */
interface Named<T> {
  readonly name: string;
  readonly url: T;
}

/** The variable's, else the file's. */
export function named<T>(
  variable: string,
  fromVariable: T | undefined,
  field: string,
  fromFile: T | undefined,
): Named<T> | undefined {
  if (fromVariable !== undefined) return {name: variable, url: fromVariable};
  return fromFile === undefined ? undefined : {name: `AUTH_CONFIG_FILE ${field}`, url: fromFile};
}

/** OAUTH_REDIRECT_URI or `redirectUri`; without either, and where it is not needed, that of a server for development. */
export function readRedirectUri(
  variables: Variables,
  fromFile: URL | undefined,
  {isNeeded, findings}: {isNeeded: boolean; findings: Findings},
): URL {
  const setting = named('OAUTH_REDIRECT_URI', variables.OAUTH_REDIRECT_URI, 'redirectUri', fromFile);
  if (setting === undefined) {
    const isSaid = findings.problems.some((problem) => problem.startsWith('OAUTH_REDIRECT_URI:'));
    if (isNeeded && !isSaid)
      findings.problem('OAUTH_REDIRECT_URI', 'is needed, as in https://api.example.com/auth/callback');
    return new URL(`http://localhost:${variables.PORT}/auth/callback`);
  }
  const {name, url: uri} = setting;
  if (uri.pathname !== '/auth/callback')
    findings.problem(name, 'must end in /auth/callback, where this server takes the answer');
  // A profile for development may have it, at whatever host.
  if (uri.protocol === 'http:' && !isLoopback(uri))
    findings.warning(
      name,
      'is plain http: logins and tokens cross the network unprotected (RFC 9700, section 2.6)',
    );
  return uri;
}

/**
 * The issuer of our tokens, as it was written: who checks them compares it character by character (RFC 8414, section 3.3). The guide gives JWT_ISSUER the provider's: then it says what to expect upstream, and ours
 * is the origin of OAUTH_REDIRECT_URI.
 */
export function readIssuer(
  setting: Named<string> | undefined,
  redirectUri: URL,
  providers: readonly ProviderSettings[],
  findings: Findings,
): {issuer: string; providers: readonly ProviderSettings[]} {
  if (setting === undefined) return {issuer: redirectUri.origin, providers};
  const {name, url: issuer} = setting;
  const url = new URL(issuer);
  const upstream = providers.find((provider) => withoutSlash(provider.issuer) === withoutSlash(url.href));
  if (upstream === undefined) {
    if (url.protocol === 'http:' && !isLoopback(url))
      findings.warning(
        name,
        'is plain http: who checks our tokens fetches the keys unprotected (RFC 8414, section 2)',
      );
    return {issuer, providers};
  }
  findings.warning(
    name,
    `is the issuer of the provider ${upstream.name}; it is taken as that, and the tokens of this server are issued by ${redirectUri.origin}`,
  );
  return {issuer: redirectUri.origin, providers};
}

/**
 * What the issuer was before, each once. Earlier versions wrote every issuer without a slash at its end and with its host
 * in lower case: what they signed stays good.
 */
export function previousIssuers(before: readonly string[], issuer: string): string[] {
  const spelled = [...before, issuer].flatMap((each) => [each, withoutSlash(new URL(each).href)]);
  return [...new Set(spelled)].filter((each) => each !== issuer);
}

const isLoopback = (url: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);

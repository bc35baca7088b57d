// The shapes of addresses in settings. Each function returns the value in one spelling, or what is wrong with it.

/** A value, or what is wrong with what was given for it. */
export type Checked<T> =
  | {readonly ok: true; readonly value: T}
  | {readonly ok: false; readonly problem: string};

const good = <T>(value: T): Checked<T> => ({ok: true, value});
const bad = (problem: string): Checked<never> => ({ok: false, problem});

/** An absolute http(s) URL without credentials or fragment; a query is refused too. */
export function checkUrl(text: string): Checked<URL> {
  if (!URL.canParse(text)) return bad('must be an absolute URL such as https://api.example.com');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return bad('must begin with https://');
  if (url.username !== '' || url.password !== '') return bad('must not hold a user or password');
  if (url.hash !== '' || url.search !== '') return bad('must not have a query or a fragment');
  return good(url);
}

/** An origin: scheme, host and port, nothing after. */
export function checkOrigin(text: string): Checked<string> {
  const checked = checkUrl(text);
  if (!checked.ok) return bad('must be an origin such as https://app.example.com');
  if (checked.value.hostname.includes('*')) return bad('must be an origin of one host: no asterisk');
  if (checked.value.pathname !== '/') return bad('must be an origin: no path after the host');
  return good(checked.value.origin);
}

/** `host` or `host:port`, in lower case; an IPv6 address in brackets. */
export function checkHost(text: string): Checked<string> {
  const url = URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`) : undefined;
  if (url === undefined || url.pathname !== '/' || /[/?#@\s*]/.test(text))
    return bad('must be host or host:port, without a scheme or path');
  // A default port would vanish from the URL; what the setting says is kept.
  const port = /:(\d+)$/.exec(text)?.[1];
  return good(port === undefined ? url.hostname : `${url.hostname}:${port}`);
}

/** Whether that URL's host is one of the allowed `host` or `host:port` entries. */
export function isAllowedHost(url: URL, allowed: readonly string[]): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return allowed.includes(url.hostname) || allowed.includes(`${url.hostname}:${port}`);
}

/** As issuers are compared here and written: without a slash at the end. */
export const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

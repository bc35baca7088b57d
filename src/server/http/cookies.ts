import {hashOf} from '../sessions/secrets.ts';

/**
 * Logins that one browser may have under way. Its jar holds 180 cookies of a site or so, and what comes above pushes out
 * the session's; a proxy refuses a header of 4 to 8 KiB.
 */
const LOGINS = 10;
/** Cookies that one answer removes: its head must fit into what a proxy reads, too. */
const REMOVED_AT_ONCE = 10;

/**
 * The cookies of this server. On https they carry the `__Host-` prefix, so that no sibling host can set them (RFC 6265bis,
 * section 4.1.3.2). Browsers refuse that prefix, and Secure, on plain http; a server for development on
 * http://localhost uses the plain names.
 */
export class Cookies {
  readonly #secure: boolean;

  constructor(origin: string) {
    this.#secure = origin.startsWith('https:');
  }

  get sessionName(): string {
    return this.#name('fraiseql-session');
  }

  /** One a login, so that several tabs may be under way; the name gives nothing of the state away. */
  bindingName(state: string): string {
    return this.#name(`fraiseql-login-${hashOf(state).slice(0, 16)}`);
  }

  /**
   * Binds a login to the browser whose Cookie header that is, for as long: Set-Cookie headers, of which all but the first
   * remove what is left of its oldest logins. A browser sends the oldest cookie first (RFC 6265, section 5.4).
   */
  bind(state: string, value: string, maxAgeSeconds: number, header: string | undefined): string[] {
    const name = this.bindingName(state);
    const others = loginNames(header, this.#name('fraiseql-login-')).filter((other) => other !== name);
    const tooMany = others.slice(0, Math.max(0, others.length - (LOGINS - 1)));
    return [
      this.set(name, value, maxAgeSeconds),
      ...tooMany.slice(0, REMOVED_AT_ONCE).map((oldest) => this.clear(oldest)),
    ];
  }

  /** A Set-Cookie header. SameSite=Lax: the provider's redirect back to us is a cross-site navigation. */
  set(name: string, value: string, maxAgeSeconds: number): string {
    return `${name}=${value}; Path=/; Max-Age=${Math.floor(maxAgeSeconds)}; HttpOnly; SameSite=Lax${this.#secure ? '; Secure' : ''}`;
  }

  clear(name: string): string {
    return this.set(name, '', 0);
  }

  #name(name: string): string {
    return this.#secure ? `__Host-${name}` : name;
  }
}

/** The first cookie of that name in a Cookie header, if its value has the form of our secrets. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0 || part.slice(0, equals).trim() !== name) continue;
    const value = part.slice(equals + 1).trim();
    return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }
  return undefined;
}

/** The names of the logins in a Cookie header, in its order. */
function loginNames(header: string | undefined, prefix: string): string[] {
  if (header === undefined) return [];
  return header
    .split(';')
    .map((part) => part.split('=', 1)[0]?.trim() ?? '')
    .filter((name) => name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length)));
}

import {hashOf} from '../sessions/secrets.ts';

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

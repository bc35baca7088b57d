import {hash, randomUUID, verify} from 'node:crypto';
import type {TokenSettings} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import type {Clock} from '../../support/clock.ts';
import {recordIn} from '../../support/record.ts';
import {RecentMap} from '../../support/recent-map.ts';
import type {KeySet} from './keys.ts';

/** The claims of our access tokens (RFC 9068, section 2.2). Times are seconds since the epoch. */
export interface AccessClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly sid: string;
}

/** A token as its client gets it. */
export interface IssuedToken {
  readonly token: string;
  /** Seconds that it is valid, from now. */
  readonly expiresIn: number;
}

/** A token longer than this is none of ours. */
const MAX_TOKEN_BYTES = 8192;
/** Tokens whose signature need not be checked again. */
const REMEMBERED = 20_000;

/** Signs and checks our own access tokens. */
export class AccessTokens {
  #keys: KeySet;
  readonly #settings: TokenSettings;
  readonly #clock: Clock;
  readonly #audience: string | readonly string[];
  /** The claims of tokens that were good once, by the tokens' hash, so that memory holds no token. */
  readonly #checked = new RecentMap<string, AccessClaims>(REMEMBERED);

  constructor(keys: KeySet, settings: TokenSettings, clock: Clock) {
    this.#keys = keys;
    this.#settings = settings;
    this.#clock = clock;
    this.#audience = settings.audience.length === 1 ? (settings.audience[0] ?? '') : settings.audience;
  }

  get keys(): KeySet {
    return this.#keys;
  }

  /** Tokens signed from now on use the new set's signing key; those of keys that it still holds stay valid. */
  replaceKeys(keys: KeySet): void {
    this.#keys = keys;
    // A token of a key that is gone must not live on here.
    this.#checked.clear();
  }

  /**
   * A token for that user and session. It ends when the session does, at the latest. `sessionExpiresAt` is seconds
   * since the epoch.
   */
  async issue(user: string, session: string, sessionExpiresAt: number): Promise<IssuedToken> {
    const iat = Math.floor(this.#clock.now() / 1000);
    const exp = Math.min(iat + this.#settings.lifetimeSeconds, Math.floor(sessionExpiresAt));
    const claims: AccessClaims = {
      iss: this.#settings.issuer,
      sub: user,
      aud: this.#audience,
      client_id: this.#settings.clientId,
      iat,
      exp,
      jti: randomUUID(),
      sid: session,
    };
    const {signer} = this.#keys;
    const input = signer.header + Buffer.from(JSON.stringify(claims)).toString('base64url');
    const signature = await signer.sign(input);
    return {token: `${input}.${signature}`, expiresIn: Math.max(0, exp - iat)};
  }

  /**
   * The claims of a token that we signed and that is valid now. Throws AuthError `invalid_token`, `invalid_signature`
   * or `token_expired`. The key decides the algorithm, never the token (RFC 8725, section 3.1); another `typ` is
   * refused (section 3.11), and so is `crit` (RFC 7515, section 4.1.11). The signature is checked once a token, the
   * time each time.
   */
  check(token: string): AccessClaims {
    if (token.length > MAX_TOKEN_BYTES) throw new AuthError('invalid_token', 'the token is too long');
    const key = hash('sha256', token, 'base64');
    let claims = this.#checked.get(key);
    if (claims === undefined) {
      claims = this.#checkClaims(this.#checkSignature(token));
      this.#checked.set(key, claims);
    }
    if (claims.exp <= this.#clock.now() / 1000) throw new AuthError('token_expired', 'the token has expired');
    return claims;
  }

  /** The payload of a token that one of our keys signed. */
  #checkSignature(token: string): Record<string, unknown> {
    const first = token.indexOf('.');
    const second = token.indexOf('.', first + 1);
    if (first < 1 || second < 0 || token.indexOf('.', second + 1) >= 0)
      throw new AuthError('invalid_token', 'not a compact JWS');
    const header = decode(token.slice(0, first), 'header');
    const kid = header['kid'];
    const verifier = typeof kid === 'string' ? this.#keys.verifier(kid) : undefined;
    if (!verifier) throw new AuthError('invalid_signature', 'signed with a key that is none of ours');
    if (header['alg'] !== verifier.algorithm)
      throw new AuthError('invalid_signature', "the header's alg is not the key's");
    if (typeof header['typ'] !== 'string' || !/^(application\/)?at\+jwt$/i.test(header['typ']))
      throw new AuthError('invalid_token', 'typ is not at+jwt');
    if (header['crit'] !== undefined) throw new AuthError('invalid_token', 'crit is not understood');
    const signature = token.slice(second + 1);
    if (!BASE64URL.test(signature))
      throw new AuthError('invalid_signature', 'the signature is not base64url');
    const signed = Buffer.from(token.slice(0, second));
    if (!verify(verifier.digest, signed, verifier.key, Buffer.from(signature, 'base64url')))
      throw new AuthError('invalid_signature', 'the signature does not fit');
    return decode(token.slice(first + 1, second), 'payload');
  }

  #checkClaims(claims: Record<string, unknown>): AccessClaims {
    const {iss, sub, aud, client_id: clientId, iat, exp, nbf, jti, sid} = claims;
    const {issuer, previousIssuers, audience} = this.#settings;
    if (typeof iss !== 'string' || (iss !== issuer && !previousIssuers.includes(iss)))
      throw new AuthError('invalid_token', 'issued by another issuer');
    // Where no audience is set, ours have their issuer as that: a former one, where they are of that.
    const accepted = iss === issuer ? audience : [...audience, iss];
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
    if (!audiences.some((entry) => typeof entry === 'string' && accepted.includes(entry)))
      throw new AuthError('invalid_token', 'for another audience');
    if (typeof exp !== 'number' || typeof iat !== 'number')
      throw new AuthError('invalid_token', 'exp or iat is missing');
    // Ours have none; whoever else signs with our key may (RFC 7519, section 4.1.5).
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= this.#clock.now() / 1000))
      throw new AuthError('invalid_token', 'the token is not valid yet');
    if (
      typeof sub !== 'string' ||
      typeof sid !== 'string' ||
      typeof jti !== 'string' ||
      typeof clientId !== 'string'
    )
      throw new AuthError('invalid_token', 'sub, sid, jti or client_id is missing');
    return {iss, sub, aud: aud as string | string[], client_id: clientId, iat, exp, jti, sid};
  }
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;

function decode(part: string, name: string): Readonly<Record<string, unknown>> {
  if (BASE64URL.test(part)) {
    const value = recordIn(Buffer.from(part, 'base64url').toString());
    if (value !== undefined) return value;
  }
  throw new AuthError('invalid_token', `the token's ${name} is not a JSON object`);
}

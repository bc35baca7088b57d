import {createHmac, createSecretKey, type KeyObject} from 'node:crypto';
import {createLocalJWKSet, jwtVerify, SignJWT, UnsecuredJWT, type JSONWebKeySet} from 'jose';
import {describe, expect, it} from 'vitest';
import {AccessTokens} from '../../../src/server/tokens/access-token.ts';
import {KeySet} from '../../../src/server/tokens/keys.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {ALGORITHMS, type SigningKey} from '../../../src/support/configuration/configuration.ts';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {AuthError} from '../../../src/support/errors.ts';

const NOW = 1_800_000_000;
const settings = {
  issuer: 'https://auth.example.com',
  previousIssuers: ['https://old.example.com'],
  audience: ['api'],
  clientId: 'fraiseql',
  lifetimeSeconds: 3600,
  keysMaxAgeSeconds: 300,
};
let seconds = NOW;
const clock = {...systemClock, now: () => seconds * 1000};
const key = developmentKey('RS256');
const tokens = new AccessTokens(new KeySet([key]), settings, clock);
const SESSION = '5b2a4c26-3f0a-4c0e-9d0f-5f8d0d1f2a3b';

function refusal(token: string, by = tokens): string {
  try {
    by.check(token);
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** A token like ours, but for what is changed. */
function forge(
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
  signer: SigningKey = key,
): Promise<string> {
  const base = {
    iss: settings.issuer,
    sub: 'u',
    aud: 'api',
    client_id: 'fraiseql',
    iat: NOW,
    exp: NOW + 60,
    jti: 'j',
    sid: SESSION,
  };
  return new SignJWT({...base, ...claims})
    .setProtectedHeader({alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header})
    .sign(signer.privateKey as KeyObject);
}

describe.each(ALGORITHMS)('a token signed by %s', (algorithm) => {
  it('is accepted by us and by another library (RFC 9068 4)', async () => {
    const own = new AccessTokens(new KeySet([developmentKey(algorithm)]), settings, clock);
    const {token, expiresIn} = await own.issue('user', SESSION, NOW + 86_400);
    expect(expiresIn).toBe(3600);
    const claims = own.check(token);
    expect(claims).toMatchObject({sub: 'user', sid: SESSION, aud: 'api', iat: NOW, exp: NOW + 3600});
    const jwks = JSON.parse(own.keys.published) as JSONWebKeySet;
    const verified = await jwtVerify(token, createLocalJWKSet(jwks), {
      currentDate: new Date(NOW * 1000),
      typ: 'at+jwt',
    });
    expect(verified.payload).toEqual({...claims});
    expect(verified.protectedHeader).toEqual({alg: algorithm, typ: 'at+jwt', kid: own.keys.signer.kid});
    expect(JSON.stringify(jwks)).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
  });
});

describe('a token', () => {
  it('ends with its session, and says so in expires_in', async () => {
    const {token, expiresIn} = await tokens.issue('user', SESSION, NOW + 100);
    expect(expiresIn).toBe(100);
    expect(tokens.check(token).exp).toBe(NOW + 100);
  });

  it('is refused from its exp on (RFC 7519 4.1.4)', async () => {
    const {token} = await tokens.issue('user', SESSION, NOW + 100);
    seconds = NOW + 99;
    expect(refusal(token)).toBe('accepted');
    seconds = NOW + 100;
    expect(refusal(token)).toBe('token_expired');
    seconds = NOW;
  });

  it('stays valid when its key only verifies any more, and not when the key is gone', async () => {
    const {token} = await tokens.issue('user', SESSION, NOW + 100);
    const next = developmentKey('ES256');
    const rotated = new AccessTokens(new KeySet([next, {...key, privateKey: undefined}]), settings, clock);
    expect(refusal(token, rotated)).toBe('accepted');
    rotated.replaceKeys(new KeySet([next]));
    expect(refusal(token, rotated)).toBe('invalid_signature');
  });
});

describe('a token of a previous issuer', () => {
  const old = 'https://old.example.com';

  it('is accepted, for the audience or for that issuer itself, which it had where none was set', async () => {
    for (const aud of ['api', old, ['other', old]])
      expect(tokens.check(await forge({}, {iss: old, aud}))).toMatchObject({iss: old, aud, sub: 'u'});
  });

  it('is what another server issued before it moved', async () => {
    const before = {...settings, issuer: old, previousIssuers: [], audience: [old]};
    const {token} = await new AccessTokens(new KeySet([key]), before, clock).issue('u', SESSION, NOW + 100);
    const own = {...settings, audience: [settings.issuer]};
    expect(refusal(token, new AccessTokens(new KeySet([key]), own, clock))).toBe('accepted');
    const forgetful = {...own, previousIssuers: []};
    expect(refusal(token, new AccessTokens(new KeySet([key]), forgetful, clock))).toBe('invalid_token');
  });

  it('is refused as any other where anything else is wrong with it', async () => {
    expect(refusal(await forge({}, {iss: old, aud: 'other'}))).toBe('invalid_token');
    expect(refusal(await forge({}, {iss: old, exp: NOW}))).toBe('token_expired');
    expect(refusal(await forge({}, {iss: old}, developmentKey('RS256')))).toBe('invalid_signature');
    // The old issuer is an audience of its own tokens alone.
    expect(refusal(await forge({}, {aud: old}))).toBe('invalid_token');
  });

  it('is never issued', async () => {
    const {token} = await tokens.issue('u', SESSION, NOW + 100);
    expect(tokens.check(token).iss).toBe(settings.issuer);
  });
});

describe('a token is refused', () => {
  const cases: Record<string, [string, () => Promise<string> | string]> = {
    'with alg none (RFC 8725 3.1)': [
      'invalid_signature',
      () => new UnsecuredJWT({sub: 'u', sid: SESSION}).encode(),
    ],
    'with alg none under a known kid (RFC 8725 3.1)': [
      'invalid_signature',
      async () => {
        const [, payload = ''] = (await forge({}, {})).split('.');
        const header = Buffer.from(JSON.stringify({alg: 'none', typ: 'at+jwt', kid: key.kid})).toString(
          'base64url',
        );
        return `${header}.${payload}.`;
      },
    ],
    'signed by HS256 with our public key (RFC 8725 2.1)': [
      'invalid_signature',
      async () => {
        const secret = createSecretKey(
          key.publicKey.export({type: 'spki', format: 'pem'}) as Buffer<ArrayBuffer> & string,
          'utf8',
        );
        const [, payload = ''] = (await forge({}, {})).split('.');
        const header = Buffer.from(JSON.stringify({alg: 'HS256', typ: 'at+jwt', kid: key.kid})).toString(
          'base64url',
        );
        return `${header}.${payload}.${createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')}`;
      },
    ],
    'of a key that is not ours': ['invalid_signature', () => forge({kid: 'other'}, {})],
    'of a key that says it is ours': ['invalid_signature', () => forge({}, {}, developmentKey('RS256'))],
    'with an embedded key (RFC 8725 3.10)': [
      'invalid_signature',
      () => forge({jwk: developmentKey('RS256').publicKey.export({format: 'jwk'}), kid: undefined}, {}),
    ],
    'with jku and no kid (RFC 8725 3.10)': [
      'invalid_signature',
      () => forge({kid: undefined, jku: 'https://evil'}, {}),
    ],
    'of another typ (RFC 8725 3.11)': ['invalid_token', () => forge({typ: 'JWT'}, {})],
    'without typ (RFC 9068 4)': ['invalid_token', () => forge({typ: undefined}, {})],
    'of another issuer (RFC 9068 4)': ['invalid_token', () => forge({}, {iss: 'https://evil'})],
    'for another audience (RFC 9068 4)': ['invalid_token', () => forge({}, {aud: 'other'})],
    'without exp (RFC 9068 2.2)': ['invalid_token', () => forge({}, {exp: undefined})],
    'without sid': ['invalid_token', () => forge({}, {sid: undefined})],
    'without sub (RFC 9068 2.2)': ['invalid_token', () => forge({}, {sub: undefined})],
    'with a changed payload': [
      'invalid_signature',
      async () => {
        const [header, , signature] = (await forge({}, {})).split('.');
        const payload = Buffer.from(JSON.stringify({sub: 'admin'})).toString('base64url');
        return `${header}.${payload}.${signature}`;
      },
    ],
    'of four parts': ['invalid_token', async () => `${await forge({}, {})}.x`],
    'that is empty': ['invalid_token', () => ''],
    'that is no JSON': ['invalid_token', () => 'a.b.c'],
    'that is very long': ['invalid_token', () => 'x'.repeat(10_000)],
    'whose header is an array': ['invalid_token', () => `${Buffer.from('[]').toString('base64url')}.e30.AA`],
  };
  it.each(Object.entries(cases))('%s', async (_name, [code, make]) => {
    expect(refusal(await make())).toBe(code);
  });

  it('with crit, though the signature fits (RFC 7515 4.1.11)', async () => {
    const header = Buffer.from(
      JSON.stringify({alg: 'EdDSA', typ: 'at+jwt', kid: 'k', crit: ['x'], x: 1}),
    ).toString('base64url');
    const own = {...developmentKey('EdDSA'), kid: 'k'};
    const {sign} = await import('node:crypto');
    const input = `${header}.${Buffer.from('{}').toString('base64url')}`;
    const token = `${input}.${sign(null, Buffer.from(input), own.privateKey as KeyObject).toString('base64url')}`;
    expect(refusal(token, new AccessTokens(new KeySet([own]), settings, clock))).toBe('invalid_token');
  });
});

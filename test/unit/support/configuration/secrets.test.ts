import {describe, expect, it} from 'vitest';
import {GUIDE, RSA, P256, ED25519, file, load, problemsOf, without} from './guide.ts';

describe('NAME_FILE', () => {
  it('gives each secret', () => {
    const configuration = load({
      ...without('DATABASE_URL', 'GOOGLE_CLIENT_SECRET', 'JWT_SIGNING_KEY'),
      DATABASE_URL_FILE: file('url', 'postgres://u:p@h/d\n'),
      GOOGLE_CLIENT_SECRET_FILE: file('secret', 'from a file\n'),
      JWT_SIGNING_KEY_FILE: file('key.pem', RSA),
      STATE_KEY_FILE: file('state', Buffer.alloc(32, 1).toString('base64')),
    });
    expect(configuration.database.url).toBe('postgres://u:p@h/d');
    expect(configuration.providers[0]?.clientSecret).toBe('from a file');
    expect(configuration.login.stateKey).toEqual(Buffer.alloc(32, 1));
  });

  it('that cannot be read is named with its path', () => {
    expect(problemsOf({...without('DATABASE_URL'), DATABASE_URL_FILE: '/nonexistent'})).toEqual([
      'DATABASE_URL_FILE: the file /nonexistent cannot be read (ENOENT)',
    ]);
  });
});

describe('a signing key', () => {
  it('in one line with \\n, as .env files have it', () => {
    expect(load({...GUIDE, JWT_SIGNING_KEY: RSA.replaceAll('\n', String.raw`\n`)}).signingKeys).toHaveLength(
      1,
    );
  });

  it.each([
    ['ES256', P256],
    ['EdDSA', ED25519],
  ])('for %s', (algorithm, key) => {
    expect(load({...GUIDE, JWT_ALGORITHM: algorithm, JWT_SIGNING_KEY: key}).signingKeys).toMatchObject([
      {algorithm},
    ]);
  });

  it('is made for development, and only there', () => {
    expect(load(without('JWT_SIGNING_KEY'), true).signingKeys).toHaveLength(1);
  });

  it('has its thumbprint as kid (RFC 7638 3.1)', async () => {
    const {thumbprint} = await import('../../../../src/support/thumbprint.ts');
    const {createPublicKey} = await import('node:crypto');
    const {calculateJwkThumbprint, exportJWK} = await import('jose');
    for (const key of [RSA, P256, ED25519]) {
      const publicKey = createPublicKey(key);
      expect(thumbprint(publicKey)).toBe(await calculateJwkThumbprint(await exportJWK(publicKey)));
    }
  });
});

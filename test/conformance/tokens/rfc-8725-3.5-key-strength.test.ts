import {describe, expect, it} from 'vitest';
import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import {configurationFor} from '../../support/server/stack.ts';

const pem = (key: KeyObject): string => String(key.export({type: 'pkcs8', format: 'pem'}));
const withKey = (key: string, algorithm: string) => () =>
  configurationFor('postgres://x:x@127.0.0.1/x', 'http://127.0.0.1:1', {
    JWT_SIGNING_KEY: key,
    JWT_ALGORITHM: algorithm,
  });

describe('RFC 8725 3.5: the server does not start with a weak signing key', () => {
  it('takes RSA of 2048 bits and refuses 1024', () => {
    expect(withKey(pem(generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey), 'RS256')).not.toThrow();
    expect(withKey(pem(generateKeyPairSync('rsa', {modulusLength: 1024}).privateKey), 'RS256')).toThrow(
      /JWT_SIGNING_KEY.*2048/,
    );
  });

  it('refuses a shared secret, whatever its length', () => {
    for (const algorithm of ['HS256', 'none'])
      expect(withKey('x'.repeat(64), algorithm)).toThrow(/JWT_ALGORITHM/);
    expect(withKey('x'.repeat(64), 'RS256')).toThrow(/JWT_SIGNING_KEY/);
  });

  it('refuses a key of another curve than its algorithm names', () => {
    const key = pem(generateKeyPairSync('ec', {namedCurve: 'secp256k1'}).privateKey);
    expect(withKey(key, 'ES256')).toThrow(/JWT_SIGNING_KEY/);
  });
});

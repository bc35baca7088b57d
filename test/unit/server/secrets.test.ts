import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
  cookieHashOf,
  hashOf,
  newSecret,
  seal,
  unseal,
  userIdOf,
} from '../../../src/server/sessions/secrets.ts';

describe('sealing', () => {
  it('gives back what was sealed, to the same secret, purpose and salt alone', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({minLength: 1}),
        fc.string({minLength: 1}),
        (plain, secret, other) => {
          fc.pre(secret !== other);
          const salt = Buffer.from('salt');
          const sealed = seal(plain, secret, 'test', salt);
          expect(unseal(sealed, secret, 'test', salt)).toBe(plain);
          expect(unseal(sealed, other, 'test', salt)).toBeUndefined();
          expect(unseal(sealed, secret, 'test', Buffer.from(`${other}x`))).toBeUndefined();
          expect(unseal(sealed, secret, `test ${other}`, salt)).toBeUndefined();
        },
      ),
    );
  });

  it('notices any changed bit, and what was cut', () => {
    const sealed = seal('something secret', 'key', 'test');
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(unseal(changed, 'key', 'test')).toBeUndefined();
      expect(unseal(sealed.subarray(0, index), 'key', 'test')).toBeUndefined();
    }
  });

  it('never gives the same bytes twice, nor the plain text', () => {
    const [one, two] = [seal('text', 'key', 'test'), seal('text', 'key', 'test')];
    expect(one.equals(two)).toBe(false);
    expect(one.includes('text')).toBe(false);
  });
});

describe('secrets', () => {
  it('have 256 bits in base64url', () => {
    expect(newSecret()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(newSecret()).not.toBe(newSecret());
  });

  it('are stored as lowercase hex SHA-256', () => {
    expect(hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(cookieHashOf('abc')).not.toBe(hashOf('abc'));
  });
});

it('a user is named by issuer and subject', () => {
  expect(userIdOf('https://a', 'b')).toMatch(/^[0-9a-f]{32}$/);
  expect(userIdOf('https://a', 'b')).toBe(userIdOf('https://a', 'b'));
  expect(userIdOf('https://a', 'b')).not.toBe(userIdOf('https://ab', ''));
  expect(userIdOf('https://a', 'b')).not.toBe(userIdOf('https://c', 'b'));
});

import {assert, constantFrom, oneof, option, property, string} from 'fast-check';
import {describe, expect, it} from 'vitest';
import {decodeState, encodeState} from '../../../src/server/login/departure.ts';

describe('the state of a sign-out', () => {
  it('comes back as it went', () => {
    const texts = oneof(string(), constantFrom('https://app.example.com/a?b=c&d=%26#e'));
    assert(
      property(string(), option(texts, {nil: undefined}), (provider, returnTo) => {
        const state = encodeState({provider, returnTo});
        expect(state).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeState(state)).toEqual({provider, returnTo});
      }),
    );
  });

  it('that another made up is none, or names what it likes, and never fails', () => {
    assert(
      property(string(), (text) => {
        expect(() => decodeState(text)).not.toThrow();
      }),
    );
    for (const value of [null, 1, 'x', {}, [], [1], [null, 'x']])
      expect(decodeState(Buffer.from(JSON.stringify(value)).toString('base64url'))).toBeUndefined();
  });
});

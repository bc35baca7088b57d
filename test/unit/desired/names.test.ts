import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {shortHash} from '../../../src/operator/desired/hash.ts';
import {childName, labelValue, names} from '../../../src/operator/desired/names.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const instanceName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);

describe('names', () => {
  test('a short name is plain', () => {
    expect(names({name: 'prod'})).toMatchObject({
      server: 'prod',
      signingKeys: 'prod-signing-keys',
      state: 'prod-state',
      backup: 'prod-backup',
    });
  });

  test('a long name is cut, stays a name, and stays apart from one that begins alike', () => {
    fc.assert(
      fc.property(instanceName, (name) => {
        const each = names({name});
        const all = [
          each.signingKeys,
          each.state,
          each.backup,
          each.config('01234567'),
          each.migration('01234567'),
        ];
        for (const child of all) {
          expect(child).toMatch(LABEL);
          expect(child.length).toBeLessThanOrEqual(63);
        }
        // A CronJob adds a minus and ten digits.
        expect(each.backup.length).toBeLessThanOrEqual(52);
      }),
    );
    const [a, b] = [`${'x'.repeat(62)}a`, `${'x'.repeat(62)}b`];
    expect(childName(a, 'state')).not.toBe(childName(b, 'state'));
    expect(childName(a, 'state')).toMatch(/^x+-[0-9a-f]{8}-state$/);
  });
});

test('any text becomes a label value', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(labelValue(text)).toMatch(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/);
    }),
  );
  expect(labelValue('1.2.3+build')).toBe('1.2.3_build');
});

test('a hash does not depend on the order of keys, but on that of lists', () => {
  expect(shortHash({a: 1, b: {c: 2, d: 3}})).toBe(shortHash({b: {d: 3, c: 2}, a: 1}));
  expect(shortHash([1, 2])).not.toBe(shortHash([2, 1]));
  expect(shortHash('')).toMatch(/^[0-9a-f]{8}$/);
});

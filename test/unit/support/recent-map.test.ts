import {array, assert, constantFrom, nat, property, record} from 'fast-check';
import {describe, expect, it} from 'vitest';
import {RecentMap} from '../../../src/support/recent-map.ts';

describe('RecentMap', () => {
  it('never holds more than its capacity, and never another value than the last one set', () => {
    const operation = record({key: nat(30), kind: constantFrom('get', 'set', 'delete', 'clear')});
    assert(
      property(array(operation, {maxLength: 200}), (operations) => {
        const map = new RecentMap<number, number>(10);
        const model = new Map<number, number>();
        const wrong: number[] = [];
        for (const [index, {key, kind}] of operations.entries()) {
          if (kind === 'set') {
            map.set(key, index);
            model.set(key, index);
          } else if (kind === 'delete') {
            map.delete(key);
            model.delete(key);
          } else if (kind === 'clear' && index % 7 === 0) {
            map.clear();
            model.clear();
          } else {
            const value = map.get(key);
            if (value !== undefined && value !== model.get(key)) wrong.push(key);
          }
          expect(map.size).toBeLessThanOrEqual(10);
        }
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('keeps what is in use while much else passes', () => {
    const map = new RecentMap<string, number>(100);
    map.set('used', 1);
    for (let index = 0; index < 10_000; index++) {
      map.set(`other-${index}`, index);
      expect(map.get('used')).toBe(1);
    }
  });
});

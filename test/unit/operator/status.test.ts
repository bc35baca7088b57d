import {describe, expect, test} from 'vitest';
import {SITUATIONS} from './situations.ts';

const OF_ANY_SPEC: ReadonlySet<string> = new Set(['Ready', 'SpecValid', 'Available', 'Progressing']);

describe('what a person reads', () => {
  test.each(SITUATIONS)('%s', (_, make, expected) => {
    const {ready} = make();
    const same = typeof expected === 'string' ? ready === expected : expected.test(ready);
    expect(same ? expected : ready).toEqual(expected);
  });

  test.each(SITUATIONS)(
    '%s: what is found speaks of this generation, and a second look changes nothing',
    (_, make) => {
      const world = make();
      const {status} = world;
      // Of a spec that is not valid nothing more is found; what was known of the one before stays, and says so.
      const found = world.condition('SpecValid')?.status === 'True' ? undefined : OF_ANY_SPEC;
      const of = (type: string) => (found?.has(type) === false ? world.generation - 1 : world.generation);
      const conditions = status?.conditions ?? [];
      expect(conditions.map(({type, observedGeneration}) => [type, observedGeneration])).toEqual(
        conditions.map(({type}) => [type, of(type)]),
      );
      expect(status?.observedGeneration).toBe(world.generation);
      world.now += 1000;
      world.pass();
      world.now += 1000;
      const before = world.status;
      world.pass();
      // A pod's age is in its message; all else stands still.
      const still = (value: unknown) => JSON.stringify(value).replaceAll(/pending for \d+ s/g, '');
      expect(still(world.status)).toBe(still(before));
    },
  );
});

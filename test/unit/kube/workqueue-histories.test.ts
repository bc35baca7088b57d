import * as fc from 'fast-check';
import {expect, test} from 'vitest';
import {heldQueue} from './held-queue.ts';

test('whatever happens: never one key twice at once, no add is lost, no key runs for nothing', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({do: fc.constant('add' as const), key, low: fc.boolean()}),
    fc.record({do: fc.constant('addAfter' as const), key, ms: fc.integer({min: 0, max: 500})}),
    fc.record({do: fc.constant('finish' as const), pick: fc.nat(3), requeue: fc.option(fc.nat(300))}),
    fc.record({do: fc.constant('fail' as const), pick: fc.nat(3)}),
    fc.record({do: fc.constant('advance' as const), ms: fc.integer({min: 1, max: 2000})}),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, {maxLength: 60}),
      fc.integer({min: 1, max: 3}),
      async (steps, concurrency) => {
        const {clock, queue, running, taken} = heldQueue({concurrency});
        // Keys that have been added since they were last taken: each of them is owed a run.
        const owed = new Set<string>();
        // How often it has been asked for, less its runs: it never runs more often than that.
        const asked = new Map<string, number>();
        const owe = (key: string): void => {
          owed.add(key);
          asked.set(key, (asked.get(key) ?? 0) + 1);
        };
        let seen = 0;
        const look = (): void => {
          expect(new Set(running.map((one) => one.key)).size).toBe(running.length);
          expect(running.length).toBeLessThanOrEqual(concurrency);
          for (; seen < taken.length; seen++) {
            const key = taken[seen] ?? '';
            asked.set(key, (asked.get(key) ?? 0) - 1);
            expect(asked.get(key)).toBeGreaterThanOrEqual(0);
            owed.delete(key);
          }
        };
        for (const one of steps) {
          if (one.do === 'add') {
            owe(one.key);
            queue.add(one.key, one.low ? 'low' : 'normal');
          } else if (one.do === 'addAfter') {
            owe(one.key);
            queue.addAfter(one.key, one.ms);
          } else if (one.do === 'advance') await clock.advance(one.ms);
          else {
            const target = running[one.pick];
            if (target === undefined) continue;
            if (one.do === 'fail') {
              owe(target.key);
              await target.fail();
            } else {
              if (one.requeue !== null) owe(target.key);
              await target.finish(one.requeue === null ? undefined : {requeueAfterMs: one.requeue});
            }
          }
          look();
        }
        for (let turn = 0; turn < 100 && (owed.size > 0 || running.length > 0); turn++) {
          await running[0]?.finish();
          await clock.advance(1000);
          look();
        }
        expect([...owed]).toEqual([]);
        expect(queue.pending).toBe(0);
      },
    ),
    {numRuns: 60},
  );
});

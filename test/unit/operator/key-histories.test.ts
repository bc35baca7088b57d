import {array, assert, boolean, constantFrom, integer, property, record} from 'fast-check';
import {describe, expect, test} from 'vitest';
import {turn} from '../../../src/operator/decide/key-rotation.ts';
import {HOUR, Keys} from './keys.ts';

type Happening = (keys: Keys, n: number) => void;
const happenings: Record<string, Happening> = {
  time: (keys, n) => void keys.run(n * 60_000),
  longTime: (keys, n) => void keys.run((n * HOUR) / 4),
  rotate: (keys, n) => void (keys.rotate = `request ${n} at ${keys.now}`),
  stuck: (keys, n) => void keys.stuck.add(`auth-${n % 3}`),
  unstuck: (keys) => keys.stuck.clear(),
  lag: (keys, n) => void (keys.lagMs = n * 15_000),
  scaleUp: (keys, n) => {
    if (!keys.pods.some(({name}) => name === `more-${n}`)) keys.start(`more-${n}`);
  },
  scaleDown: (keys) => void (keys.pods.length > 1 && keys.pods.pop()),
  algorithm: (keys, n) => void (keys.wanted = {...keys.wanted, algorithm: n % 2 === 0 ? 'ES256' : 'EdDSA'}),
  schedule: (keys, n) => void (keys.wanted = {...keys.wanted, rotateEverySeconds: (n % 3) * 7200}),
  tokenTTL: (keys, n) => void (keys.wanted = {...keys.wanted, tokenTTLSeconds: 60 * (n + 1)}),
  maxAge: (keys, n) => void (keys.wanted = {...keys.wanted, maxAgeSeconds: 30 * (n + 1)}),
  // The operator raises its bounds before pods with the new values run.
  rollOne: (keys, n) => {
    keys.pass();
    const pod = keys.pods[n % keys.pods.length];
    if (pod === undefined) return;
    keys.pods = keys.pods.filter((each) => each !== pod);
    keys.stuck.delete(pod.name);
    keys.start(pod.name);
  },
  // Up to a day ahead or behind.
  handover: (keys, n) => keys.handOver((n - 6) * 4 * HOUR),
  killed: (keys) => {
    // Before a write: it was decided, and never happened. After it: it happened, and nobody remembers.
    turn(keys.inputs());
    keys.handOver(keys.offsetMs);
    keys.pass();
    keys.handOver(keys.offsetMs);
    keys.pass();
  },
};

describe('whatever happens', () => {
  const runs = Number(process.env['KEY_HISTORIES'] ?? '30');
  test('no valid token fails at any replica or cache, and exactly one key signs', () => {
    const history = array(
      record({
        what: constantFrom(...Object.keys(happenings)),
        n: integer({min: 1, max: 12}),
        wait: boolean(),
      }),
      {maxLength: 25},
    );
    assert(
      property(history, integer({min: 1, max: 4}), (steps, pods) => {
        const keys = new Keys(pods);
        for (const {what, n, wait} of steps) {
          happenings[what]?.(keys, n);
          if (wait) keys.run(60_000);
          else keys.tick();
        }
        // When things have come to rest, a rotation always comes to its end.
        keys.stuck.clear();
        keys.wanted = {...keys.wanted, rotateEverySeconds: 0};
        keys.lagMs = 60_000;
        keys.run(4 * HOUR);
        keys.rotate = 'the last';
        keys.run(4 * HOUR);
        expect(keys.ring?.keys.map(({state}) => state)).toEqual(['Signing']);
        expect(keys.ring?.request).toBe('the last');
        const {ring} = keys;
        keys.run(60_000);
        expect(keys.ring).toBe(ring);
      }),
      {numRuns: runs},
    );
  });
});

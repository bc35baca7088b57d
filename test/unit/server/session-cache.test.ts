// Which readings of a session are believed, by the database's clock as it is now.
import {expect, it} from 'vitest';
import {SessionCache} from '../../../src/server/shared/session-cache.ts';
import type {FoundSession} from '../../../src/server/sessions/session.ts';

const SERVER = 1;
const HORIZON = {server: SERVER, time: 5_000_000, at: 1_000_000};

it.each([
  ['runs true', 0, 0],
  ['was set ahead before the reading', 60, 60],
  ['was set ahead after the reading', 0, 60],
  ['was set back after the reading', 0, -60],
])('a database whose clock %s: an ended session is not believed', async (_how, before, after) => {
  let monotonic = HORIZON.at;
  let ahead = before;
  const time = (): number => HORIZON.time + (monotonic - HORIZON.at) / 1000 + ahead;
  let found: FoundSession | undefined;
  const kept = new Map<string, string>();
  const cache = new SessionCache({
    sessions: {find: async () => found, findByCookie: async () => undefined, used: async () => {}},
    store: {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
      run: async () => undefined,
    },
    feed: {
      live: true,
      horizon: HORIZON,
      get newest() {
        return {server: SERVER, time: time(), at: monotonic};
      },
    },
    key: Buffer.alloc(32, 1),
    ttlSeconds: 300,
    onLook: () => {},
    clock: {now: () => 0, monotonic: () => monotonic, setTimeout: () => ({cancel() {}})},
  });
  monotonic += 100_000;
  found = {
    session: {id: 'S', userId: 'u', expiresAt: 9e9, provider: undefined, email: undefined, name: undefined},
    remaining: 1e6,
    unused: 0,
    read: {time: time(), server: SERVER},
  };
  expect(await cache.find('S')).toBeDefined();
  ahead = after;
  monotonic += 10_000;
  found = undefined;
  // More of them than are remembered one by one.
  for (let n = 0; n <= 100_000; n++) cache.forget(n === 0 ? 'S' : `other-${n}`);
  monotonic += 1_000;
  expect(await cache.find('S')).toBeUndefined();
});

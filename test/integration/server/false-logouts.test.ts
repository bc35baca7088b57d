// Real replicas that are killed, a real database that crashes and is failed over, a network that breaks: a client that
// does nothing wrong is never logged out. `make refreshes` does the same a million times.
import {expect, it} from 'vitest';
import {runRefreshes} from '../../bench/refreshes/run.ts';
import {MAIN} from '../../support/main-module.ts';

const COUNT = Number(process.env['REFRESHES'] ?? '3000');

it(`${COUNT} refreshes with everything going wrong: no false logout, no false denial`, async () => {
  const {complete, seen, injected, database} = await runRefreshes({
    count: COUNT,
    maxMs: 100_000,
    clients: 24,
    main: MAIN,
    algorithm: 'RS256',
    seed: 20_261_124,
  });
  expect(seen.falseLogouts).toBe(0);
  expect(seen.falseDenials).toBe(0);
  expect(seen.verified).toBeGreaterThan(0);
  expect(database?.ended).toBe(0);
  expect(complete).toBe(true);
  expect(seen.silent).toBe(0);
  for (const times of [seen.races, seen.late, seen.abandoned, seen.broken, seen.unavailable])
    expect(times).toBeGreaterThan(0);
  expect(injected).toMatchObject({replicaKills: 1, databaseCrashes: 1, failovers: 1});
});

import {createPool} from '../database/pool.ts';
import type {Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import {overloaded} from '../support/errors.ts';
import {Database} from './database.ts';
import {connectionUrl} from './database-url.ts';
import {probeDatabase, probeFault} from './health/database-probe.ts';
import {Dependency} from './health/dependency.ts';
import {Outages} from './health/outages.ts';
import type {Report} from './health/reporter.ts';
import {Writes} from './health/writes.ts';
import type {Intervals} from './intervals.ts';
import type {Metrics} from './metrics.ts';
import {Turns} from './overload/turns.ts';
import {retryAfter} from './overload/urgency.ts';

interface DatabaseOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly intervals: Intervals;
  readonly metrics: Metrics;
  readonly report: Report;
}

/** The database, and what is known of how it is. */
export interface OpenDatabase {
  readonly database: Database;
  /** Nothing is looked at until it is started. */
  readonly health: Dependency;
  readonly writes: Writes;
  /** For a connection beside the pool. */
  readonly url: string;
  close(): Promise<void>;
}

/** Nothing is connected yet. */
export function openDatabase({
  configuration,
  clock,
  intervals,
  metrics,
  report,
}: DatabaseOptions): OpenDatabase {
  const url = connectionUrl(configuration.database);
  // One of the connections listens for sessions that end: where one alone is allowed there are two.
  const size = Math.max(1, configuration.database.poolSize - 1);
  const pool = createPool({
    url,
    size,
    maxLifetimeSeconds: configuration.database.maxLifetimeSeconds,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 5_000,
    applicationName: 'fraiseql-auth',
    onError: () => health.suspect(),
  });
  const turns = new Turns({
    size,
    clock,
    refuse(urgency, why) {
      metrics.shed(urgency, 'database');
      return overloaded(
        why === 'queue' ? 'the queue for the database is too long' : 'waited too long for the database',
        retryAfter(),
      );
    },
  });
  metrics.watchPool(pool, size, (urgency) => turns.waiting(urgency));
  const outages = new Outages(clock);
  const database = new Database(pool, turns, outages);
  const writes = new Writes((fault, error) =>
    report('database:write', fault === undefined ? 'up' : 'down', fault, error),
  );
  const health = new Dependency({
    name: 'database',
    async probe() {
      try {
        const {refusal} = await probeDatabase(pool, url);
        writes.found(refusal);
      } catch (error) {
        outages.failed();
        throw error;
      }
      if (writes.failing) outages.failed();
      else outages.answered();
    },
    fault: probeFault,
    clock,
    goodMs: intervals.databaseGoodMs,
    badMs: intervals.databaseBadMs,
    threshold: 1,
    onChange(state, fault, error) {
      database.markDown(state === 'down');
      report('database', state, fault, error);
    },
  });
  database.onOutage(() => health.suspect());
  return {database, health, writes, url, close: () => pool.end()};
}

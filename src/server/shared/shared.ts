import {createHash} from 'node:crypto';
import type {Clock} from '../../support/clock.ts';
import type {Configuration} from '../../support/configuration/configuration.ts';
import type {DependencyOptions} from '../health/dependency.ts';
import {LocalCounters, type Counters} from '../limits/counters.ts';
import {SharedCounters} from '../limits/shared-counters.ts';
import {RedisStore} from './redis-store.ts';
import {SessionCache, type SessionCacheOptions} from './session-cache.ts';

/** What the replicas share beside the database. */
export interface Shared {
  readonly store: RedisStore;
  /** Undefined without STATE_KEY, which seals what is kept. */
  sessionCache(
    sessions: SessionCacheOptions['sessions'],
    feed: SessionCacheOptions['feed'],
    onLook: SessionCacheOptions['onLook'],
  ): SessionCache | undefined;
}

interface SharedOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly goodMs: number;
  readonly badMs: number;
  readonly commandMs: number;
  readonly onChange: DependencyOptions['onChange'];
}

/** Undefined where REDIS_URL is not set. Nothing is connected yet. */
export async function openShared(options: SharedOptions): Promise<Shared | undefined> {
  const {configuration, clock, ...rest} = options;
  const {redis} = configuration;
  if (redis === undefined) return undefined;
  // One service, one name: its replicas have the same issuer.
  const service = createHash('sha256').update(configuration.tokens.issuer).digest('hex').slice(0, 12);
  const store = await RedisStore.open({
    url: redis.url,
    tls: redis.tls,
    prefix: `fraiseql-auth:${service}:`,
    clock,
    ...rest,
  });
  return {
    store,
    sessionCache(sessions, feed, onLook) {
      const key = configuration.login.stateKey;
      if (key === undefined) return undefined;
      return new SessionCache({
        sessions,
        store,
        feed,
        key,
        ttlSeconds: redis.sessionTtlSeconds,
        clock,
        onLook,
      });
    },
  };
}

/** Where requests are counted: together with the other replicas, or by this one alone. */
export function countersFor(shared: Shared | undefined, clock: Clock): Counters {
  const local = new LocalCounters(clock);
  return shared === undefined ? local : new SharedCounters(shared.store, local);
}

import type {ProviderRegistry} from '../providers/registry.ts';
import type {Dependency} from './dependency.ts';
import type {Writes} from './writes.ts';

/** What GET /health/auth says. */
export interface HealthReport {
  readonly auth: 'healthy' | 'degraded' | 'unhealthy';
  readonly oauth_provider: 'ok' | 'error';
  readonly db: 'ok' | 'error';
  /** Only where REDIS_URL is set. */
  readonly redis?: 'ok' | 'error';
}

/**
 * The server's health, from what is watched in the background; asking costs nothing. Without the database it serves
 * nobody: unhealthy. With one that takes no writes those who have a session go on, without a provider only new logins
 * fail, and without Redis each replica counts for itself: degraded, and still ready.
 */
export class Health {
  readonly database: Dependency;
  readonly #writes: Pick<Writes, 'failing'>;
  readonly #providers: ProviderRegistry;
  readonly #redis: Dependency | undefined;
  #draining = false;

  constructor(
    {health, writes}: {readonly health: Dependency; readonly writes: Pick<Writes, 'failing'>},
    providers: ProviderRegistry,
    redis?: Dependency,
  ) {
    this.database = health;
    this.#writes = writes;
    this.#providers = providers;
    this.#redis = redis;
  }

  /** From now on not ready: the server is about to stop. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  report(): HealthReport {
    const db = this.database.state === 'up' ? 'ok' : 'error';
    const provider = this.#providers.all.some((entry) => entry.failing) ? 'error' : 'ok';
    const redis = this.#redis && (this.#redis.state === 'up' ? 'ok' : 'error');
    const serving = db === 'ok' && !this.#draining;
    const whole = provider === 'ok' && redis !== 'error' && !this.#writes.failing;
    return {
      auth: serving ? (whole ? 'healthy' : 'degraded') : 'unhealthy',
      oauth_provider: provider,
      db,
      ...(redis && {redis}),
    };
  }
}

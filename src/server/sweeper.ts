import type {SessionSettings} from '../support/configuration/configuration.ts';
import type {Clock, Timer} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import type {Database, Statement} from './database.ts';
import type {Metrics} from './metrics.ts';
import {explain} from './providers/failures.ts';
import * as sql from './sessions/sweep-statements.ts';

const EVERY_MS = 60_000;
/** One kind gives way to the next after this time, and goes on with the next sweep. */
const LONGEST_MS = 20_000;

export interface SweeperOptions {
  readonly database: Pick<Database, 'query' | 'down' | 'outages'>;
  readonly sessions: Pick<SessionSettings, 'replayWindowSeconds'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'swept' | 'sweepFailed'>;
}

/**
 * Removes, about once a minute, what nobody can ask for any more: all that there is of each kind, in batches, so that
 * the tables do not grow however much comes. Every replica does it, each at its own moment; rows that another is at work
 * on are left to it.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.setTimeout(
      () => {
        void this.sweep().finally(() => {
          if (!this.#stopped) this.start();
        });
      },
      EVERY_MS * (0.75 + Math.random() / 2),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** One kind after the other: what fails of one keeps no other from being swept. Never rejects. */
  async sweep(): Promise<void> {
    const {database, sessions} = this.#options;
    const window = sessions.replayWindowSeconds;
    await this.#sweepKind('successors', sql.FORGET_SUCCESSORS, [window + database.outages.within(window)]);
    await this.#sweepKind('sessions', sql.DELETE_ENDED, []);
    await this.#sweepKind('logout_tokens', sql.FORGET_LOGOUT_TOKENS, []);
    await this.#sweepKind('logins', sql.FORGET_LOGINS, []);
  }

  async #sweepKind(kind: string, statement: Statement, values: readonly unknown[]): Promise<void> {
    const {database, clock, logger, metrics} = this.#options;
    const until = clock.monotonic() + LONGEST_MS;
    try {
      // While the database is known to be away its own health says so.
      while (!this.#stopped && !database.down) {
        const [row] = await database.query<sql.SweptRow>(statement, values);
        metrics.swept(kind, row?.swept ?? 0);
        if (row?.more !== true || clock.monotonic() >= until) return;
      }
    } catch (error) {
      metrics.sweepFailed(kind);
      logger.warn({kind, cause: explain(error)}, 'sweeping failed: it is tried again in a minute');
    }
  }
}

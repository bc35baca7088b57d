import type {Pool, QueryResultRow} from 'pg';
import {databaseFault, isOutage} from '../database/errors.ts';
import {systemClock} from '../support/clock.ts';
import {unavailable} from '../support/errors.ts';
import {Outages} from './health/outages.ts';
import type {Turns} from './overload/turns.ts';
import type {Urgency} from './overload/urgency.ts';

/** A prepared statement: parsed once a connection, named for it. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** What comes first where there are more than connections; by default `check`. */
  readonly urgency?: Urgency;
}

/** Serialization failure and deadlock (SQLSTATE class 40): the statement did nothing and may be repeated. */
const REPEATABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 3;

/** What the server asks of the database, one statement a transaction. */
export class Database {
  /** When no session could be refreshed. */
  readonly outages: Outages;
  readonly #pool: Pool;
  readonly #turns: Turns | undefined;
  #down = false;
  #onOutage: (error: unknown) => void = () => {};

  /** Without `turns` everybody waits in the pool's own queue, for however long it is. */
  constructor(pool: Pool, turns?: Turns, outages = new Outages(systemClock)) {
    this.#pool = pool;
    this.#turns = turns;
    this.outages = outages;
  }

  /** Told of each failure that says the database is away. */
  onOutage(listener: (error: unknown) => void): void {
    this.#onOutage = listener;
  }

  /** Whether it is known to be away. */
  get down(): boolean {
    return this.#down;
  }

  /** While it is known to be away, queries fail at once instead of waiting for a connection. */
  markDown(down: boolean): void {
    this.#down = down;
    if (down) this.#turns?.clear();
  }

  /**
   * Throws AuthError 503 where the database is away, its schema is not there or too many ask at once; anything else is a
   * fault of ours.
   */
  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    if (this.#down) throw unavailable('the database is away', RETRY_AFTER_SECONDS);
    const turn = this.#turns?.enter(statement.urgency ?? 'check');
    if (turn) await turn;
    try {
      return await this.#run<Row>(statement, values);
    } finally {
      this.#turns?.leave();
    }
  }

  async #run<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#pool.query<Row>({
          name: statement.name,
          text: statement.text,
          values: [...values],
        });
        return result.rows;
      } catch (error) {
        if (REPEATABLE.has(sqlState(error))) {
          if (attempt < ATTEMPTS) continue;
          throw unavailable('the database: transactions kept getting in the way', RETRY_AFTER_SECONDS, error);
        }
        if (!isOutage(error) && databaseFault(error) !== 'schema_missing') throw error;
        this.#onOutage(error);
        // Not all that keeps a refresh from being written is seen by a look, as a disk that is full.
        if (statement.urgency === 'refresh') this.outages.failed();
        throw unavailable(`the database: ${databaseFault(error)}`, RETRY_AFTER_SECONDS, error);
      }
    }
  }
}

const RETRY_AFTER_SECONDS = 2;

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

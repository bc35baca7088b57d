import type {Pool, QueryResultRow} from 'pg';
import {databaseFault, isOutage} from '../database/errors.ts';
import {unavailable} from '../support/errors.ts';

/** A prepared statement: parsed once a connection, named for it. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Serialization failure and deadlock (SQLSTATE class 40): the statement did nothing and may be repeated. */
const REPEATABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 3;

/** What the server asks of the database, one statement a transaction. */
export class Database {
  readonly #pool: Pool;
  #down = false;
  #onOutage: (error: unknown) => void = () => {};

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Told of each failure that says the database is away. */
  onOutage(listener: (error: unknown) => void): void {
    this.#onOutage = listener;
  }

  /** While it is known to be away, queries fail at once instead of waiting for a connection. */
  markDown(down: boolean): void {
    this.#down = down;
  }

  /** Throws AuthError 503 where the database is away or its schema is not there; anything else is a fault of ours. */
  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    if (this.#down) throw unavailable('the database is away', RETRY_AFTER_SECONDS);
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#pool.query<Row>({...statement, values: [...values]});
        return result.rows;
      } catch (error) {
        if (attempt < ATTEMPTS && REPEATABLE.has(sqlState(error))) continue;
        if (!isOutage(error) && databaseFault(error) !== 'schema_missing') throw error;
        this.#onOutage(error);
        throw unavailable(`the database: ${databaseFault(error)}`, RETRY_AFTER_SECONDS, error);
      }
    }
  }
}

const RETRY_AFTER_SECONDS = 2;

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

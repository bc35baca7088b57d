import {unavailable} from '../../support/errors.ts';
import type {Clock, Timer} from '../../support/clock.ts';
import type {Database} from '../database.ts';
import type {SessionRow} from './session.ts';
import * as sql from './statements.ts';

/**
 * Statements at work at once. The second begins beside one that is slow alone: two that take turns make more round trips
 * of fewer rotations each, which costs a tenth of what can be refreshed.
 */
const AT_ONCE = 2;
/** A statement under way for this long is slow: what waits does so no longer for its end. */
const SLOW_MS = 50;
/** Rotations in one statement, at most. */
const MAX_BATCH = 64;
/** A rotation that could not begin in this time is refused; the client may try again. */
const WAIT_MS = 3_000;

/** A refresh token to be exchanged for its successor. */
export interface Rotation {
  readonly hash: string;
  readonly successorHash: string;
  /** The successor, sealed to the token. */
  readonly sealed: Buffer;
}

interface Waiting extends Rotation {
  readonly since: number;
  readonly resolve: (row: SessionRow | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface BatchRow extends SessionRow {
  readonly presented: string;
}

/**
 * Exchanges refresh tokens, as many in one statement as come while the statement before is under way: one round trip
 * and one commit for all of them. The first never waits for a second. A token whose session another transaction holds
 * is left out, so that nobody waits for a stranger's lock; whoever finds it current then exchanges it alone.
 */
export class Rotations {
  readonly #database: Pick<Database, 'query'>;
  readonly #idleSeconds: number;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #lastBegan = 0;
  #planned = false;
  #second: Timer | undefined;
  #deadline: Timer | undefined;

  constructor(database: Pick<Database, 'query'>, idleSeconds: number, clock: Clock) {
    this.#database = database;
    this.#idleSeconds = idleSeconds;
    this.#clock = clock;
  }

  /**
   * The session; undefined where the token is not the current one of a session that stands, or that session is locked.
   * Throws AuthError 503.
   */
  rotate(rotation: Rotation): Promise<SessionRow | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({...rotation, since: this.#clock.monotonic(), resolve, reject});
      this.#plan();
    });
  }

  /** Likewise, by a statement of its own, which waits for a lock: undefined is certain. */
  async rotateAlone({hash, successorHash, sealed}: Rotation): Promise<SessionRow | undefined> {
    const [alone] = await this.#database.query<SessionRow>(sql.ROTATE, [
      hash,
      successorHash,
      sealed,
      this.#idleSeconds,
    ]);
    return alone;
  }

  /** What else arrives in this turn of the event loop goes along. */
  #plan(): void {
    if (this.#planned || this.#waiting.length === 0) return;
    if (this.#underWay >= AT_ONCE) {
      this.#watch();
      return;
    }
    const wait = this.#underWay === 0 ? 0 : this.#lastBegan + SLOW_MS - this.#clock.monotonic();
    if (wait > 0) {
      if (this.#second === undefined)
        this.#second = this.#clock.setTimeout(() => {
          this.#second = undefined;
          this.#plan();
        }, wait);
      return;
    }
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      void this.#send(this.#take());
    });
  }

  /** The next batch, in which no token stands twice: of two presentations the second comes after the first. */
  #take(): Waiting[] {
    const batch = new Map<string, Waiting>();
    const rest: Waiting[] = [];
    for (const entry of this.#waiting) {
      if (batch.size < MAX_BATCH && !batch.has(entry.hash)) batch.set(entry.hash, entry);
      else rest.push(entry);
    }
    this.#waiting = rest;
    return [...batch.values()];
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#underWay++;
    this.#lastBegan = this.#clock.monotonic();
    this.#plan();
    try {
      const rows = await this.#database.query<BatchRow>(sql.ROTATE_MANY, [
        `{${batch.map(({hash}) => hash).join(',')}}`,
        `{${batch.map(({successorHash}) => successorHash).join(',')}}`,
        `{${batch.map(({sealed}) => sealed.toString('base64')).join(',')}}`,
        this.#idleSeconds,
      ]);
      const found = new Map(rows.map((row) => [row.presented, row]));
      for (const {hash, resolve} of batch) resolve(found.get(hash));
    } catch (error) {
      for (const {reject} of batch) reject(error);
    }
    this.#underWay--;
    this.#plan();
  }

  /** Statements may hang for seconds where the database does; what waits for them does not wait for ever. */
  #watch(): void {
    const [oldest] = this.#waiting;
    if (this.#deadline !== undefined || oldest === undefined) return;
    const wait = Math.max(1, oldest.since + WAIT_MS - this.#clock.monotonic());
    this.#deadline = this.#clock.setTimeout(() => {
      this.#deadline = undefined;
      const late = this.#clock.monotonic() - WAIT_MS;
      const refused = this.#waiting.filter(({since}) => since <= late);
      this.#waiting = this.#waiting.filter(({since}) => since > late);
      for (const {reject} of refused) reject(unavailable('the rotations before did not end in time', 2));
      this.#watch();
    }, wait);
  }
}

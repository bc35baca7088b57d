import {Chain} from '../audit/chain.ts';
import {systemClock, type Clock} from '../support/clock.ts';
import {standardOutput, type LineWriter} from '../support/standard-output.ts';

/** What the audit trail tells of. */
export type AuditEvent =
  | 'oauth_start'
  | 'oauth_callback'
  | 'auth_success'
  | 'auth_failure'
  | 'session_created'
  | 'session_refreshed'
  | 'session_reuse_detected'
  | 'session_revoked'
  | 'key_rotated';

/** Who did it to what, and what came of it. */
export interface AuditEntry {
  /** The command that did it, where it was no request. */
  readonly actor?: string | undefined;
  readonly requestId?: string | undefined;
  readonly user?: string | undefined;
  readonly provider?: string | undefined;
  readonly session?: string | undefined;
  readonly address?: string | undefined;
  readonly outcome: 'success' | 'failure';
  /** A code of the catalogue, or what happened in the server's own words; never a secret. */
  readonly reason?: string | undefined;
}

/** One JSON line an event on standard output, whatever the log level, each chained to the one before by its hash. */
export class Audit {
  readonly #chain = new Chain();
  readonly #out: LineWriter;
  readonly #clock: Clock;

  constructor(out: LineWriter = standardOutput, clock: Clock = systemClock) {
    this.#out = out;
    this.#clock = clock;
  }

  record(event: AuditEvent, entry: AuditEntry): void {
    const time = new Date(this.#clock.now()).toISOString();
    this.#out.write(`${this.#chain.link({level: 'info', time, component: 'audit', event, ...entry})}\n`);
  }
}

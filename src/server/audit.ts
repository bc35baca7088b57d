import {createLogger, type Logger} from '../support/logging.ts';

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

export interface AuditEntry {
  readonly requestId?: string | undefined;
  readonly user?: string | undefined;
  readonly provider?: string | undefined;
  readonly session?: string | undefined;
  readonly address?: string | undefined;
  readonly outcome: 'success' | 'failure';
  /** A code of the catalogue, or what happened in the server's own words; never a secret. */
  readonly reason?: string | undefined;
}

/** One JSON line an event on standard output, whatever the log level. */
export class Audit {
  readonly #logger: Logger;

  constructor(logger: Logger = createLogger({component: 'audit'})) {
    this.#logger = logger;
  }

  record(event: AuditEvent, entry: AuditEntry): void {
    this.#logger.info({event, ...entry});
  }
}

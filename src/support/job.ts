import {logLevelFrom, createLogger, type Logger} from './logging.ts';
import {reportOutcome, type Outcome} from './outcome.ts';

/** A failure that names its reason (CamelCase) and what to do about it. */
interface ExplainedFailure {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  readonly detail?: Record<string, unknown>;
}

/** What a command that runs as a Job works with. The signal aborts on SIGTERM and SIGINT. */
export interface Job {
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Runs a command to its end, however it ends: the outcome goes to the log and to the file that TERMINATION_LOG names.
 * `kind` is the command's name, `fallback` the reason for what nobody explained. Returns the exit code.
 */
export async function runJob(
  kind: string,
  fallback: string,
  work: (job: Job) => Promise<Record<string, unknown>>,
): Promise<number> {
  const env = process.env;
  const logger = createLogger({component: kind, level: logLevelFrom(env) ?? 'info'});
  const interrupted = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => interrupted.abort(new Interrupted(kind, fallback, name));
  // What a command waits for may be a timer that does not keep the process alive by itself.
  const alive = setInterval(() => undefined, 60_000);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  let outcome: Outcome;
  try {
    outcome = {ok: true, kind, detail: await work({env, logger, signal: interrupted.signal})};
    logger.info(outcome.detail, `${kind} succeeded`);
  } catch (error) {
    const stopped = interrupted.signal.aborted && !(error instanceof Error && 'uncertain' in error);
    const failure = asFailure(stopped ? interrupted.signal.reason : error);
    outcome = {
      ok: false,
      kind,
      reason: failure?.reason ?? fallback,
      message: failure?.message ?? (error instanceof Error ? error.message : 'unknown error'),
      hint: failure?.hint ?? 'The log has the whole error.',
      ...(failure?.detail && {detail: failure.detail}),
    };
    // What has a reason of its own needs no stack trace to be understood.
    const known = failure !== undefined && failure.reason !== fallback;
    logger.error(
      {reason: outcome.reason, hint: outcome.hint, ...(known ? {} : {err: error})},
      outcome.message,
    );
  } finally {
    clearInterval(alive);
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  }
  try {
    await reportOutcome(outcome, env);
  } catch (error) {
    logger.error({err: error}, 'the outcome could not be written to the file that TERMINATION_LOG names');
    return 1;
  }
  return outcome.ok ? 0 : 1;
}

class Interrupted extends Error implements ExplainedFailure {
  override readonly name = 'Interrupted';
  readonly reason: string;
  readonly hint = 'What was half-done does not count, and a later run removes it. Run it again.';

  constructor(kind: string, reason: string, signal: NodeJS.Signals) {
    super(`${kind} was stopped by ${signal} before it was done`);
    this.reason = reason;
  }
}

function asFailure(error: unknown): ExplainedFailure | undefined {
  return error instanceof Error && 'reason' in error && 'hint' in error
    ? (error as Error & ExplainedFailure)
    : undefined;
}

import {logLevelFrom, createLogger, type Logger} from './logging.ts';
import {reportOutcome, type Outcome} from './outcome.ts';

/** A failure that names its reason (CamelCase) and what to do about it. */
interface ExplainedFailure {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  readonly detail?: Record<string, unknown>;
}

/** A command that runs as a Job, and what is said of it where nobody knows better. */
export interface JobKind {
  readonly name: string;
  /** The reason for what nobody explained. */
  readonly reason: string;
  /** What a person does who stopped it: what has become of what was half-done. */
  readonly interrupted: string;
}

/** What a command that runs as a Job works with. The signal aborts on SIGTERM and SIGINT. */
export interface Job {
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Runs a command to its end, however it ends: the outcome goes to the log and to the file that TERMINATION_LOG names.
 * Returns the exit code.
 */
export async function runJob(
  {name: kind, reason: fallback, interrupted: hint}: JobKind,
  work: (job: Job) => Promise<Record<string, unknown>>,
): Promise<number> {
  const env = process.env;
  const logger = createLogger({component: kind, level: logLevelFrom(env) ?? 'info'});
  const interrupted = new AbortController();
  const onSignal = (name: NodeJS.Signals): void =>
    interrupted.abort(new Interrupted(`${kind} was stopped by ${name} before it was done`, fallback, hint));
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
    // What says what to do needs no stack trace to be understood.
    logger.error(
      {reason: outcome.reason, hint: outcome.hint, ...(failure ? {} : {err: error})},
      outcome.message,
    );
    if (failure) logger.debug({err: error}, 'the whole error');
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
  readonly hint: string;

  constructor(message: string, reason: string, hint: string) {
    super(message);
    this.reason = reason;
    this.hint = hint;
  }
}

function asFailure(error: unknown): ExplainedFailure | undefined {
  return error instanceof Error && 'reason' in error && 'hint' in error
    ? (error as Error & ExplainedFailure)
    : undefined;
}

import type {Clock} from '../support/clock.ts';

/** The time that one call has. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the deadline that ended the call. */
  readonly timedOut: () => boolean;
  /** Takes the deadline off and keeps only the caller's signal. */
  readonly started: () => void;
  readonly done: () => void;
}

/** `AbortSignal.any` would keep a long-lived caller's signal growing; this lets go of it when the call is done. */
export function deadline(clock: Clock, ms: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let expired = false;
  const timer = clock.setTimeout(() => {
    expired = true;
    controller.abort();
  }, ms);
  const forward = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) forward();
  else outer?.addEventListener('abort', forward, {once: true});
  return {
    signal: controller.signal,
    timedOut: () => expired,
    started: () => timer.cancel(),
    done: () => {
      timer.cancel();
      outer?.removeEventListener('abort', forward);
    },
  };
}

/** A request that still waits for its connection does not hear its signal; whoever waits for it shall. */
export async function unlessAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const give = (): void => aborted.reject(new Error('aborted', {cause: signal.reason}));
  if (signal.aborted) give();
  else signal.addEventListener('abort', give, {once: true});
  try {
    return await Promise.race([request, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

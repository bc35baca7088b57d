/**
 * Where time comes from. Injected everywhere, so that tests own it and the pure rooms stay pure.
 * `now` is wall-clock milliseconds since the epoch; `monotonic` is milliseconds that never go backwards and mean
 * nothing across processes: durations and time-outs are measured with it.
 */
export interface Clock {
  now(): number;
  monotonic(): number;
  setTimeout(callback: () => void, ms: number): Timer;
}

/** A started timer that can be stopped; stopping one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** The machine's own clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, ms) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return {cancel: () => clearTimeout(timer)};
  },
};

/** Resolves after `ms` on that clock, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      timer.cancel();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', fail);
      resolve();
    }, ms);
    if (signal?.aborted) fail();
    else signal?.addEventListener('abort', fail, {once: true});
  });
}

import {setImmediate as nextTurn} from 'node:timers/promises';

/** A turn of the event loop that takes longer keeps timers and sockets waiting. */
const LONG_MS = 8;

/**
 * Something to await between pieces of work that wait for nothing: it lets all else have its turn of the event loop
 * when this one has been long enough, and costs nothing when it has not.
 */
export function breath(): () => Promise<void> | undefined {
  let since: number | undefined;
  return () => {
    const now = performance.now();
    if (since === undefined) {
      since = now;
      setImmediate(() => {
        since = undefined;
      });
    }
    return now - since < LONG_MS ? undefined : nextTurn();
  };
}

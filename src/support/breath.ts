import {setImmediate as nextTurn} from 'node:timers/promises';

/** A turn of the event loop that takes longer keeps timers and sockets waiting. */
const LONG_MS = 4;

/**
 * Something to await between pieces of work that wait for nothing: it lets all else have its turn of the event loop
 * when this one has been long enough, and costs nothing when it has not. Of a crowd that waits for the next turn only as
 * many go on in it as fit in; what is urgent goes on in it in any case.
 */
export function breath(): (urgent?: boolean) => Promise<void> | undefined {
  let since: number | undefined;
  const isLong = (): boolean => {
    const now = performance.now();
    if (since === undefined) {
      since = now;
      setImmediate(() => {
        since = undefined;
      });
    }
    return now - since >= LONG_MS;
  };
  const roomInATurn = async (): Promise<void> => {
    do await nextTurn();
    while (isLong());
  };
  return (urgent = false) => {
    if (!isLong()) return undefined;
    return urgent ? nextTurn() : roomInATurn();
  };
}

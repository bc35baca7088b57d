import {performance, type EventLoopUtilization} from 'node:perf_hooks';
import {getHeapStatistics, setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/**
 * What holds from the start. V8 lets the space for new objects grow from the least to the most that the program's first
 * line allows, and does not give it back: here it does not grow. What an operator keeps is long-lived, and the rest is
 * small: so little that to share its collection out among threads takes longer than to do it. And the middle one of V8's
 * three compilers takes more memory for its work than what comes of it saves in processor time.
 */
const ALWAYS = ['--semi-space-growth-factor=1', '--no-parallel-scavenge', '--no-maglev'];
/**
 * Lets the space for old objects grow to little more than what is in it, by collecting it all the more often. At the start,
 * when nearly all that comes is there to stay, that is a fifth of the processor time, and in vain.
 */
const SMALL = '--optimize-for-size';
/** However long the start takes: with so much in use the heap is held small. */
const ROOM_BYTES = 96 * 2 ** 20;
const LOOK_MS = 1000;
/** With less to do than this part of the time, nothing is left of the start. */
const CALM = 0.5;

/** Lets the heap grow until what the start brings is dealt with, and holds it small from then on. */
export function heapOfAnOperator(isIdle: () => boolean): {stop(): void} {
  for (const flag of ALWAYS) setFlagsFromString(flag);
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  const look = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const {utilization} = performance.eventLoopUtilization(now, before);
    before = now;
    const started = isIdle() && utilization < CALM;
    if (started || getHeapStatistics().used_heap_size >= ROOM_BYTES) setFlagsFromString(SMALL);
    if (!started) return;
    clearInterval(look);
    collect();
  }, LOOK_MS);
  look.unref();
  return {stop: () => clearInterval(look)};
}

/** V8 by itself looks at what the start left over only when as much has come again. For 1,000 resources, 0.1 s. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: {type: 'major'; flavor: 'last-resort'}) => void;
  setFlagsFromString('--no-expose-gc');
  // The one that also gives back what it has emptied.
  gc({type: 'major', flavor: 'last-resort'});
}

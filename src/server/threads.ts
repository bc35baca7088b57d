import {availableParallelism} from 'node:os';

/** libuv keeps half of its threads for what is not a look-up of a name: with fewer, one that hangs would stop all. */
const LEAST = 2;
/** What libuv has by itself. */
const MOST = 4;

/**
 * Keeps libuv's threads, on which signatures are made, to as many as there are processors. More of them take turns with
 * the thread that everything else waits for, and with a database on the same machine. It must come before the first of
 * them is started; whoever sets UV_THREADPOOL_SIZE decides.
 */
export function boundThreads(
  env: Record<string, string | undefined> = process.env,
  processors = availableParallelism(),
): void {
  env['UV_THREADPOOL_SIZE'] ??= String(Math.min(MOST, Math.max(LEAST, processors)));
}

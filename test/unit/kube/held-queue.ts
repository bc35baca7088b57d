import {WorkQueue, type HandlerResult, type WorkQueueOptions} from '../../../src/kube/workqueue.ts';
import {FakeClock, settle} from './fake-clock.ts';

/** A handler under way. */
interface Running {
  readonly key: string;
  readonly at: number;
  readonly signal: AbortSignal;
  finish(result?: HandlerResult): Promise<void>;
  fail(): Promise<void>;
}

/** A queue whose handlers end when the test says so. */
export function heldQueue(options: Partial<WorkQueueOptions> = {}): {
  clock: FakeClock;
  queue: WorkQueue;
  running: Running[];
  taken: string[];
  done: Promise<void>;
} {
  const clock = new FakeClock();
  const queue = new WorkQueue({
    clock,
    concurrency: 1,
    backoff: {baseMs: 100, maxMs: 10_000},
    random: () => 1,
    ...options,
  });
  const running: Running[] = [];
  const taken: string[] = [];
  const done = queue.run((key, signal) => {
    taken.push(key);
    const {promise, resolve, reject} = Promise.withResolvers<HandlerResult | undefined>();
    const entry: Running = {
      key,
      signal,
      at: clock.monotonic(),
      async finish(result) {
        running.splice(running.indexOf(entry), 1);
        resolve(result);
        await settle();
      },
      async fail() {
        running.splice(running.indexOf(entry), 1);
        reject(new Error('no'));
        await settle();
      },
    };
    running.push(entry);
    return promise.then((result) => result ?? undefined);
  });
  return {clock, queue, running, taken, done};
}

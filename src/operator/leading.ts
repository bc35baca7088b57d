import {LeaderElection, type LeasePort} from '../kube/lease.ts';
import {sleep, type Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';

/** Work under way has this long to end after SIGTERM, or after the lease was lost. */
export const GRACE_MS = 5000;

export interface Leading {
  readonly client: LeasePort;
  /** Where the Lease is: the operator's own namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly clock: Clock;
  /** By default `Math.random`. */
  readonly random?: () => number;
  readonly logger: Logger;
  readonly onLeading: (leading: boolean) => void;
  /**
   * The work, until the signal aborts. `mayWrite` says whether this process leads at this very moment: it is false also
   * when the process was stopped for a while, and neither timers nor signals have told it yet.
   */
  readonly work: (signal: AbortSignal, mayWrite: () => boolean) => Promise<void>;
}

/** Works while the lease is held. 1 when it was lost: a fresh process stands for election anew; 0 when it was to end. */
export async function lead(options: Leading, ending: AbortSignal): Promise<number> {
  const {client, namespace, name, identity, clock, random, logger, onLeading} = options;
  const election = new LeaderElection(client, {
    namespace,
    name,
    identity,
    clock,
    random,
    logger,
    onLeading,
  });
  const release = (): void =>
    void election
      .release()
      .catch((error: unknown) => logger.warn({err: error}, 'the lease could not be released'));
  ending.addEventListener('abort', release, {once: true});
  if (ending.aborted) release();
  let working: Promise<void> = Promise.resolve();
  let lost = false;
  await election.run({
    onStartedLeading(signal) {
      // While it ends by itself the lease is still its own: what is left to be said may be.
      working = options.work(signal, () => !lost && (ending.aborted || election.isLeader()));
      return working;
    },
    onStoppedLeading() {
      lost = !ending.aborted;
    },
  });
  await within(clock, GRACE_MS, working);
  if (lost) logger.error('the lease was lost: this process ends, so that it writes nothing more');
  return lost ? 1 : 0;
}

/** Waits for the work, but not longer than that. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([work, sleep(clock, ms, late.signal).catch(() => undefined)]).finally(() =>
    late.abort(),
  );
}

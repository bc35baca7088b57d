import {setTimeout as delay} from 'node:timers/promises';
import {RESOURCES} from '../../../src/kube/objects.ts';
import type {Deployment, Job} from '../../../src/operator/workloads.ts';
import {isComplete, isRolledOut} from '../../support/controllers.ts';
import type {Observer} from './harness.ts';

/** Plays the controllers of one namespace until stopped: Jobs succeed, Deployments roll out. */
export function playControllers(see: Observer): {stop(): Promise<void>} {
  const ending = new AbortController();
  const turn = async (): Promise<void> => {
    for (const job of await see.list<Job>(RESOURCES.Job)) {
      if (!isComplete(job) && job.metadata.deletionTimestamp === undefined) await see.completeJob(job);
    }
    for (const live of await see.list<Deployment>(RESOURCES.Deployment)) {
      if (!isRolledOut(live)) await see.rollOut(live.metadata.name);
    }
  };
  const playing = (async () => {
    while (!ending.signal.aborted) {
      // An object may go between the list and the patch; the next turn sees it.
      await turn().catch(() => undefined);
      await delay(40);
    }
  })();
  return {
    async stop() {
      ending.abort();
      await playing;
    },
  };
}

import {setTimeout as delay} from 'node:timers/promises';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {trueCondition, type Deployment, type Job} from '../../../src/operator/workloads.ts';
import type {Observer} from './harness.ts';

/** Plays the controllers of one namespace until stopped: Jobs succeed, Deployments roll out. */
export function playControllers(see: Observer): {stop(): Promise<void>} {
  const ending = new AbortController();
  const turn = async (): Promise<void> => {
    for (const job of await see.list<Job>(RESOURCES.Job)) {
      if (!trueCondition(job, 'Complete') && job.metadata.deletionTimestamp === undefined)
        await see.completeJob(job);
    }
    for (const live of await see.list<Deployment>(RESOURCES.Deployment)) {
      const {status, spec, metadata} = live;
      const done =
        status?.observedGeneration === metadata.generation && status?.readyReplicas === (spec?.replicas ?? 1);
      if (!done) await see.rollOut(metadata.name);
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

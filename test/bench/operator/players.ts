import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, RESOURCES} from '../../../src/kube/objects.ts';
import {Reflector} from '../../../src/kube/reflector.ts';
import {WorkQueue} from '../../../src/kube/workqueue.ts';
import type {Deployment, Job} from '../../../src/operator/workloads.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {completeJob, isComplete, isRolledOut, rollOut} from '../../support/controllers.ts';

/** What stands in for the Job and the Deployment controller. */
export interface Players {
  stop(): Promise<void>;
}

/** Every Job that carries the label succeeds at once, every Deployment has all its pods at once: one write each. */
export async function playControllers(client: KubeClient, labelSelector: string): Promise<Players> {
  const jobs = new Reflector<Job>(client, RESOURCES.Job, {labelSelector});
  const deployments = new Reflector<Deployment>(client, RESOURCES.Deployment, {labelSelector});
  const queue = new WorkQueue({clock: systemClock, concurrency: 16, backoff: {baseMs: 50, maxMs: 1000}});
  jobs.onChange(({type, object}) => {
    if (type !== 'deleted' && !isComplete(object)) queue.add(`Job ${keyOf(object)}`);
  });
  deployments.onChange(({type, object}) => {
    if (type !== 'deleted' && !isRolledOut(object)) queue.add(`Deployment ${keyOf(object)}`);
  });
  const playing = queue.run(async (entry) => {
    const [kind = '', key = ''] = entry.split(' ');
    if (kind === 'Job') {
      const job = jobs.store.get(key);
      if (job !== undefined && !isComplete(job)) await completeJob(client, job);
    } else {
      const deployment = deployments.store.get(key);
      if (deployment !== undefined && !isRolledOut(deployment)) await rollOut(client, deployment);
    }
  });
  jobs.start();
  deployments.start();
  await Promise.all([jobs.synced(), deployments.synced()]);
  return {
    async stop() {
      await Promise.all([jobs.stop(), deployments.stop(), queue.shutdown()]);
      await playing;
    },
  };
}

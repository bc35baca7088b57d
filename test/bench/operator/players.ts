import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, parseKey, RESOURCES} from '../../../src/kube/objects.ts';
import {Reflector} from '../../../src/kube/reflector.ts';
import {WorkQueue} from '../../../src/kube/workqueue.ts';
import {trueCondition, type Deployment, type Job} from '../../../src/operator/workloads.ts';
import {systemClock} from '../../../src/support/clock.ts';

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
    if (type !== 'deleted' && !trueCondition(object, 'Complete')) queue.add(`Job ${keyOf(object)}`);
  });
  deployments.onChange(({type, object}) => {
    if (type !== 'deleted' && !rolledOut(object)) queue.add(`Deployment ${keyOf(object)}`);
  });
  const playing = queue.run(async (entry) => {
    const [kind = '', key = ''] = entry.split(' ');
    if (kind === 'Job') {
      const job = jobs.store.get(key);
      if (job !== undefined && !trueCondition(job, 'Complete')) await complete(client, key);
    } else {
      const deployment = deployments.store.get(key);
      if (deployment !== undefined && !rolledOut(deployment)) await rollOut(client, key, deployment);
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

function rolledOut({metadata, spec, status}: Deployment): boolean {
  return (
    status?.observedGeneration === metadata.generation && status?.readyReplicas === (spec?.replicas ?? 1)
  );
}

async function complete(client: KubeClient, key: string): Promise<void> {
  const now = new Date().toISOString();
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: now,
  }));
  const status = {startTime: now, completionTime: now, succeeded: 1, conditions};
  await client.mergePatch(RESOURCES.Job, parseKey(key), {status}, {subresource: 'status'});
}

async function rollOut(client: KubeClient, key: string, {metadata, spec}: Deployment): Promise<void> {
  const replicas = spec?.replicas ?? 1;
  const status = {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  await client.mergePatch(RESOURCES.Deployment, parseKey(key), {status}, {subresource: 'status'});
}

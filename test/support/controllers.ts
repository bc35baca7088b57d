import type {KubeClient} from '../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../src/kube/objects.ts';
import {trueCondition, type Deployment, type Job} from '../../src/operator/workloads.ts';

// What the cluster's own controllers write, for tests where there are none.

export const isComplete = (job: Job): boolean => trueCondition(job, 'Complete') !== undefined;

/** As the Job controller would: the Job has done its work. */
export async function completeJob(
  client: KubeClient,
  {metadata}: Pick<KubeObject, 'metadata'>,
): Promise<void> {
  const now = new Date().toISOString();
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: now,
  }));
  const status = {startTime: now, completionTime: now, succeeded: 1, conditions};
  await client.mergePatch(RESOURCES.Job, metadata, {status}, {subresource: 'status'});
}

/** Whether every pod of the newest template is ready. */
export function isRolledOut({metadata, spec, status}: Deployment): boolean {
  return (
    status?.observedGeneration === metadata.generation && status?.readyReplicas === (spec?.replicas ?? 1)
  );
}

/** As the Deployment controller would: every pod of the newest template is ready. */
export async function rollOut(client: KubeClient, {metadata, spec}: Deployment): Promise<void> {
  const replicas = spec?.replicas ?? 1;
  const status = {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  await client.mergePatch(RESOURCES.Deployment, metadata, {status}, {subresource: 'status'});
}

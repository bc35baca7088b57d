import {controllerOf} from '../../kube/objects.ts';
import type {Job, Pod} from '../workloads.ts';

// A Job of ours is one attempt: it does not try again by itself, the reconciler does, and counts.

/** On a Job: which try it is, and for which generation of the spec. */
export const ATTEMPT = 'auth.fraiseql.dev/attempt';
export const GENERATION = 'auth.fraiseql.dev/generation';

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 120_000;

/** How long to wait after the n-th failure: 10 s, 20 s, 40 s, 80 s, 2 min. */
export function retryDelayMs(attempt: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
}

/** Which try a Job is, from 1 on. */
export function attemptOf(job: Job): number {
  return Number(job.metadata.annotations?.[ATTEMPT] ?? '1') || 1;
}

/** Pods that this very Job made, the newest first. */
export function podsOf(job: Job, pods: readonly Pod[]): Pod[] {
  return pods
    .filter((pod) => controllerOf(pod)?.uid === job.metadata.uid)
    .sort((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''));
}

/** What a container said of itself when it ended. */
export function terminationMessage(pod: Pod): string | undefined {
  for (const container of pod.status?.containerStatuses ?? []) {
    const message = container.state?.terminated?.message ?? container.lastState?.terminated?.message;
    if (message) return message;
  }
  return undefined;
}

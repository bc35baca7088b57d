import type {Problem} from '../problem.ts';
import {trueCondition, type ContainerStatus, type Pod} from '../workloads.ts';

/** How long a container may be "being created" before it is worth a word. */
const CREATING_MS = 45_000;
/** How long a pod may run without being ready before it is worth a word. */
const UNREADY_MS = 30_000;

const PULL = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
]);
const CONFIG = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** A pod that answers. */
export function isReady(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && trueCondition(pod, 'Ready') !== undefined;
}

/**
 * Why a pod does not run, in its own words; undefined for a pod that runs, or that is only young. `logLine` is the
 * last line that its container wrote before it ended.
 */
export function explainPod(pod: Pod, now: number, logLine?: string): Problem | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || isReady(pod)) return undefined;
  const objectRef = {apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name};
  const describe = `kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace ?? ''}`;

  const scheduled = pod.status?.conditions?.find((each) => each.type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return {
      reason: 'Unschedulable',
      message: `Pod ${pod.metadata.name} cannot be scheduled: ${oneLine(scheduled.message ?? scheduled.reason ?? 'no reason given')}`,
      hint: 'Make room on the nodes, lower spec.resources, or change spec.pod.nodeSelector, tolerations or affinity',
      objectRef,
    };
  }

  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const container of containers) {
    const problem = explainContainer(pod, container, logLine, describe);
    if (problem) return {...problem, objectRef};
  }

  if (pod.status?.phase === 'Failed') {
    return {
      reason: 'PodFailed',
      message: `Pod ${pod.metadata.name} failed: ${oneLine(pod.status.message ?? pod.status.reason ?? 'no reason given')}`,
      hint: `See: ${describe}`,
      objectRef,
    };
  }
  const age = now - Date.parse(pod.metadata.creationTimestamp ?? new Date(now).toISOString());
  if (containers.every((each) => each.state?.running) && containers.length > 0) {
    const started = Math.max(
      ...containers.map((each) => Date.parse(each.state?.running?.startedAt ?? '') || 0),
    );
    if (now - started < UNREADY_MS) return undefined;
    return {
      reason: 'PodNotReady',
      message: `Pod ${pod.metadata.name} runs but is not ready: its readiness probe GET /health/auth fails`,
      hint: `See: kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace ?? ''}`,
      objectRef,
    };
  }
  if (age < CREATING_MS) return undefined;
  return {
    reason: 'PodPending',
    message: `Pod ${pod.metadata.name} has been pending for more than ${roughly(age)}`,
    hint: `See its events: ${describe}`,
    objectRef,
  };
}

/** The same for the pod of a Job: nobody asks whether it is ready, so one that runs is at its work. */
export function explainJobPod(pod: Pod, now: number, logLine?: string): Problem | undefined {
  const problem = explainPod(pod, now, logLine);
  return problem?.reason === 'PodNotReady' ? undefined : problem;
}

/** An age in steps, so that a message does not change at every look. */
function roughly(ms: number): string {
  const minutes = [60, 30, 10, 5, 2, 1].find((each) => ms >= each * 60_000);
  if (minutes === undefined) return '45 seconds';
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

function explainContainer(
  pod: Pod,
  container: ContainerStatus,
  logLine: string | undefined,
  describe: string,
): Omit<Problem, 'objectRef'> | undefined {
  const {waiting} = container.state ?? {};
  const reason = waiting?.reason ?? '';
  const image =
    pod.spec?.containers?.find((each) => each.name === container.name)?.image ?? container.image ?? 'unknown';
  if (PULL.has(reason)) {
    return {
      reason: 'ImagePullFailed',
      message: `Pod ${pod.metadata.name} cannot pull image ${image}: ${reason}${waiting?.message ? `: ${oneLine(waiting.message)}` : ''}`,
      hint: 'Check the name and tag in spec.image, that the registry is reachable from the nodes, and spec.imagePullSecrets',
    };
  }
  if (CONFIG.has(reason)) {
    return {
      reason: 'ContainerConfigInvalid',
      message: `Pod ${pod.metadata.name} cannot start: ${reason}: ${oneLine(waiting?.message ?? 'no message')}`,
      hint: `Create what is missing. See: ${describe}`,
    };
  }
  const ended = container.state?.terminated ?? container.lastState?.terminated;
  const crashed = ended !== undefined && (ended.exitCode !== 0 || reason === 'CrashLoopBackOff');
  if (reason === 'CrashLoopBackOff' || (crashed && container.state?.running === undefined)) {
    const code = ended?.exitCode === undefined ? '' : ` with exit code ${ended.exitCode}`;
    const killed = ended?.reason === 'OOMKilled' ? ' (OOMKilled: out of memory)' : '';
    const line = logLine ?? lastLine(ended?.message);
    // The log of one that has ended and was not started again is its own.
    const again = (container.restartCount ?? 0) > 0 && container.state?.terminated === undefined;
    return {
      reason: 'ContainerCrashing',
      message: `Pod ${pod.metadata.name} crashes${code}${killed}${reason ? `, ${reason}` : ''}${line ? `; its last log line: ${line}` : ''}`,
      hint: killed
        ? 'Raise spec.resources.limits.memory'
        : `See: kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace ?? ''}${again ? ' --previous' : ''}`,
    };
  }
  return undefined;
}

/** The container of a pod that crashes: its last words would help to explain it. */
export function crashing(
  pod: Pod,
): {container: string; restarts: number; waiting: boolean; said: string | undefined} | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  const found = pod.status?.containerStatuses?.find(
    (each) =>
      each.state?.waiting?.reason === 'CrashLoopBackOff' ||
      (each.state?.terminated !== undefined && each.state.terminated.exitCode !== 0),
  );
  if (found === undefined) return undefined;
  const ended = found.state?.terminated ?? found.lastState?.terminated;
  return {
    container: found.name,
    restarts: found.restartCount ?? 0,
    waiting: found.state?.waiting !== undefined,
    said: ended?.message,
  };
}

/** The last line that says something; of a JSON log line its message, and its error's. */
export function lastLine(text: string | undefined): string | undefined {
  const line = text
    ?.split('\n')
    .map((each) => each.trim())
    .findLast((each) => each !== '');
  if (line === undefined) return undefined;
  return oneLine(fromJson(line) ?? line);
}

function fromJson(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as {msg?: unknown; message?: unknown; err?: {message?: unknown}};
    const said = entry.msg ?? entry.message;
    const error = entry.err?.message;
    const parts = [said, error === said ? undefined : error].filter((part) => typeof part === 'string');
    return parts.length > 0 ? parts.join(': ') : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Text as one line of at most 400 characters; passwords in URLs are blanked. */
export function oneLine(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\/\/[^/\s:@]+:[^/\s@]+@/g, '//[redacted]@')
    .trim();
  return line.length <= 400 ? line : `${line.slice(0, 399)}…`;
}

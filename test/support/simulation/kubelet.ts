import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {KEY_LIST} from '../../../src/operator/desired/key-ring.ts';
import {names} from '../../../src/operator/desired/names.ts';
import type {KeyAnswer} from '../../../src/operator/observed.ts';
import type {Pod} from '../../../src/operator/workloads.ts';
import {fateOf, IMAGES, secretSays, statusOf, type PodSpec} from './pods.ts';
import {dated} from './time.ts';
import type {World} from './world.ts';

const BY = 'kubelet';
/** So late a changed Secret comes into pods that run. */
const LAG_MS = 30_000;

/**
 * Starts pods, looks again at those that lack something, or are not ready, when a Secret or a ConfigMap has changed, and
 * ends those of Jobs with what they have to say.
 */
export function playKubelet(world: World): void {
  const {api, time, random} = world;
  const waiting = new Map<string, Pod>();
  let addresses = 0;
  const look = ({metadata}: Pod): void => {
    const live: Pod | undefined = api.get(RESOURCES.Pod, metadata);
    if (live === undefined || live.metadata.uid !== metadata.uid) return;
    if (live.metadata.deletionTimestamp !== undefined) return;
    const fate = fateOf(world, live);
    const runs = fate.state === 'Runs' || fate.state === 'Unready';
    const ends = runs && componentOf(live) !== 'server';
    const {podIP = `10.1.${addresses >> 8}.${addresses++ & 255}`, startTime = dated(time)} =
      live.status ?? {};
    const status = ends ? ended(world, live) : statusOf(live, fate, dated(time));
    tell(world, live, runs ? {...status, podIP, startTime} : status);
    if (fate.state !== 'Runs') waiting.set(metadata.uid ?? '', live);
  };
  api.onEntry(({plural, before, after}) => {
    if (plural === 'pods' && before === undefined && after !== undefined) {
      time.after(random.between(100, 600), () => look(after));
    }
    if (after === undefined || (plural !== 'secrets' && plural !== 'configmaps')) return;
    const all = [...waiting.values()];
    waiting.clear();
    for (const pod of all) time.after(random.between(100, 600), () => look(pod));
  });
}

function tell({api}: World, {metadata}: KubeObject, status: Record<string, unknown>): void {
  // What is not said any more is not so any more.
  const none = {conditions: null, containerStatuses: null};
  const patch = {status: {...none, ...status}};
  api.write(BY, {verb: 'merge', type: RESOURCES.Pod, key: metadata, patch, status: true});
}

function componentOf({metadata}: KubeObject): string | undefined {
  return metadata.labels?.['app.kubernetes.io/component'];
}

/** What the container of a Job says at its end. */
function ended(world: World, pod: Pod): Record<string, unknown> {
  const said = verdictOf(world, pod);
  const terminated = {
    exitCode: said === undefined ? 0 : 1,
    reason: said === undefined ? 'Completed' : 'Error',
    ...(said && {message: JSON.stringify({ok: false, kind: componentOf(pod), hint: 'do this', ...said})}),
  };
  return {
    phase: said === undefined ? 'Succeeded' : 'Failed',
    containerStatuses: [{name: 'job', ready: false, restartCount: 0, state: {terminated}}],
  };
}

interface Verdict {
  readonly reason: string;
  readonly message: string;
  readonly detail?: object;
}

/** Undefined: it found nothing wrong. */
function verdictOf({api, outside}: World, pod: Pod): Verdict | undefined {
  const {namespace} = pod.metadata;
  const {containers} = pod.spec as unknown as PodSpec;
  if (componentOf(pod) === 'migration')
    return secretSays(api, namespace, 'auth-db')
      ? {reason: 'DatabaseUnreachable', message: 'nobody answers'}
      : undefined;
  if (containers.some(({image}) => image === IMAGES.refusing))
    return {reason: 'ConfigurationInvalid', message: 'this image wants another configuration'};
  if (outside.provider === 'away')
    return {reason: 'ProviderUnreachable', message: 'nobody answers', detail: {providers: ['keycloak']}};
  return outside.provider === 'refuses' || secretSays(api, namespace, 'keycloak-client')
    ? {reason: 'ProviderInvalid', message: 'the provider does not know this client'}
    : undefined;
}

/** What the pod at an address would say of its keys: what its mounted Secret held a while ago, or when it started. */
export function keysAt({api, time}: Pick<World, 'api' | 'time'>, address: string): KeyAnswer | undefined {
  const pods: Pod[] = api.list('pods');
  const pod = pods.find(({status}) => status?.podIP === address);
  if (pod === undefined) return undefined;
  const {signingKeys: name} = names({name: 'auth'});
  const startedAt = Date.parse(pod.status?.startTime ?? '') - Date.parse(dated({now: 0}));
  const upTo = Math.max(time.now - LAG_MS, startedAt);
  const entry = api.log.findLast(
    ({at, plural, after}) =>
      at <= upTo &&
      plural === 'secrets' &&
      after?.metadata.name === name &&
      after.metadata.namespace === pod.metadata.namespace,
  );
  const data = (entry?.after?.['data'] ?? {}) as Record<string, string>;
  const list = Buffer.from(data[KEY_LIST] ?? '', 'base64').toString() || '{"signingKeys": []}';
  const {signingKeys} = JSON.parse(list) as {signingKeys: {kid: string; use: string}[]};
  const {containers} = pod.spec as unknown as PodSpec;
  const variable = (wanted: string): number =>
    Number(containers[0]?.env?.find((each) => each.name === wanted)?.value ?? 0);
  return {
    kids: signingKeys.map(({kid}) => kid),
    signer: signingKeys.find(({use}) => use === 'sign')?.kid,
    maxAgeSeconds: variable('JWKS_MAX_AGE'),
    tokenTTLSeconds: 60 * variable('SESSION_TIMEOUT_MINUTES'),
  };
}

import {RESOURCES, type KubeObject} from '../../kube/objects.ts';
import {KEY_LIST, keyList, RING, writeRing, type KeyRing} from '../desired/key-ring.ts';
import type {KeyView, Observed} from '../observed.ts';
import {UNMADE, type Decision, type Step} from '../decide/decision.ts';
import {valueHash} from '../key-view.ts';
import {slim} from '../observe/slim.ts';
import {trueCondition, type Deployment, type Job} from '../workloads.ts';

// What is planned for later can be known now: the same decision is made for the cluster as it will be when all that was
// planned before is done and has gone well.

/** The kid of a key that will be made. */
const NEXT_KEY = 'unmade';

/** Children as steps will leave them, by `Kind/name`; undefined for what will be gone. */
export type Foreseen = ReadonlyMap<string, KubeObject | undefined>;

/** What will be observed once these children are there, Jobs have succeeded and pods have been replaced. */
export function foresee(observed: Observed, foreseen: Foreseen, decision: Decision, now: number): Observed {
  const children = new Map(observed.children);
  let {signingKeys} = observed;
  for (const [id, object] of foreseen) {
    if (object === undefined) {
      children.delete(id);
      continue;
    }
    const ring = madeRings.get(object);
    if (ring) signingKeys = ring.keys.map((each): KeyView => ({...each, signs: each.state === 'Signing'}));
    // As a store would keep it; a Secret that is to be is without anything secret already.
    children.set(id, object.kind === 'Secret' ? object : slim(object));
  }
  for (const [id, object] of children) {
    if (object.kind === 'Job') children.set(id, ended(object, decision, now));
    if (object.kind === 'Deployment') children.set(id, rolledOut(object));
  }
  return {...observed, children, signingKeys, pods: observed.pods.filter(isElsewhere), replicaSets: []};
}

const isElsewhere = ({metadata}: KubeObject): boolean =>
  !['server', 'check', 'migration'].includes(metadata.labels?.['app.kubernetes.io/component'] ?? '');

/** The Jobs that count succeed, if not at once, then when they are tried again. */
function ended(job: Job, {checkJob, migrationJob}: Decision, now: number): Job {
  const {name} = job.metadata;
  if ((name !== migrationJob && name !== checkJob) || trueCondition(job, 'Complete')) return job;
  const lastTransitionTime = new Date(now).toISOString();
  return {...job, status: {conditions: [{type: 'Complete', status: 'True', lastTransitionTime}]}};
}

function rolledOut(live: Deployment): Deployment {
  const replicas = live.spec?.replicas ?? 1;
  return {
    ...live,
    status: {
      observedGeneration: live.metadata.generation ?? 0,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    },
  };
}

const madeRings = new WeakMap<KubeObject, KeyRing>();

/** A Secret with key material as it will be, but for the material, which nobody knows yet. */
export function secretToBe(step: Extract<Step, {kind: 'mint' | 'keys'}>, namespace: string): KubeObject {
  const {apiVersion, kind} = RESOURCES.Secret;
  const {name} = step;
  if (step.kind === 'mint') return {apiVersion, kind, metadata: {name, namespace}, data: {key: UNMADE}};
  const {ring} = step.rotation;
  const keys = ring.keys.map((each) => (each.kid === '' ? {...each, kid: NEXT_KEY} : each));
  const toBe = {...ring, keys};
  const secret = {
    apiVersion,
    kind,
    metadata: {...step.secret?.metadata, name, namespace, annotations: {[RING]: writeRing(toBe)}},
    data: {[KEY_LIST]: valueHash(keyList(keys))},
  };
  madeRings.set(secret, toBe);
  return secret;
}

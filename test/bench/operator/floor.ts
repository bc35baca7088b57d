import {monitorEventLoopDelay} from 'node:perf_hooks';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {signingKeysSecret, stateSecret} from '../../../src/operator/desired/secrets.ts';
import {instanceOf} from '../../../src/operator/desired/instance.ts';
import {CHILD_TYPES} from '../../../src/operator/observe/scope.ts';
import type {Observed} from '../../../src/operator/observed.ts';
import {decide, type Settings} from '../../../src/operator/decide/decide.ts';
import type {Step} from '../../../src/operator/decide/decision.ts';
import {mintSigningKey, mintStateKey} from '../../../src/operator/reconcile/mint.ts';
import {keysIn} from '../../../src/operator/key-view.ts';
import {viewOf} from '../../../src/operator/decide/secrets.ts';
import {firstRing} from '../../fixtures/desired.ts';
import {slim} from '../../../src/operator/observe/slim.ts';
import {IMAGE, type Stored} from '../../support/fraiseqlauths.ts';
import {measureBareOperator, type Manifest} from './bare-operator.ts';
import type {Latencies} from './latency.ts';
import {CHILDREN, CONCURRENCY, inParallel, OURS, SECRETS} from './world.ts';

const SETTINGS: Settings = {image: IMAGE, version: '1.0.0', schemaVersion: '1'};

/** What was done, and how long it took. */
export interface Run {
  readonly objects: number;
  readonly seconds: number;
}

/** What can be done on this machine at all, by a bare loop that does the same. */
export interface Floor extends Run {
  /** From a change to the answer of the least that an operator can be. */
  readonly latencies: Latencies;
  /** Every object of ours read once, as a start has to. */
  readonly listSeconds: number;
  /** The 99th percentile, in milliseconds, in the process that runs the loop. */
  readonly eventLoopMs: number;
}

/**
 * Creates every resource and server-side-applies its children, with nothing read, compared, waited for or written of
 * it: what any operator that applies its objects has to do at least. The manifests are made before the clock starts.
 */
export async function measureFloor(
  client: KubeClient,
  resources: readonly Stored[],
  samples: number,
): Promise<Floor> {
  const prepared = await Promise.all(
    resources.map(async (resource) => ({resource, children: await manifests(resource)})),
  );
  const delay = monitorEventLoopDelay({resolution: 10});
  delay.enable();
  const started = performance.now();
  await inParallel(prepared, CONCURRENCY, async ({resource, children}) => {
    const {uid = ''} = (await client.create<KubeObject>(FRAISEQLAUTH, resource)).metadata;
    for (const {type, object} of children) {
      for (const owner of object.metadata.ownerReferences ?? []) owner.uid = uid;
      await client.apply(type, object, {fieldManager: 'floor', force: true});
    }
  });
  const seconds = (performance.now() - started) / 1000;
  delay.disable();
  return {
    objects: resources.length * CHILDREN,
    seconds,
    latencies: await measureBareOperator(client, prepared, samples),
    listSeconds: await measureLists(client),
    eventLoopMs: delay.percentile(99) / 1e6,
  };
}

/** Seconds to read every object of ours once. */
async function measureLists(client: KubeClient): Promise<number> {
  const started = performance.now();
  const read = async (type: ResourceType, labelSelector?: string): Promise<void> => {
    for await (const {items} of client.pages(type, {labelSelector})) void items;
  };
  await Promise.all([read(FRAISEQLAUTH), ...CHILD_TYPES.map((type) => read(type, OURS))]);
  return (performance.now() - started) / 1000;
}

/** All children of a resource, in the operator's own order: as its decisions say, step by step, until nothing is left. */
async function manifests(resource: Stored): Promise<Manifest[]> {
  const owned = {...resource, metadata: {...resource.metadata, uid: 'not-yet-known', generation: 1}};
  const instance = instanceOf(owned);
  const key = await mintSigningKey('ES256');
  const secrets = [
    signingKeysSecret(instance, firstRing(instance.spec, key.kid), key),
    stateSecret(instance, mintStateKey()),
  ];
  const found: Manifest[] = secrets.map((object) => ({type: RESOURCES.Secret, object}));
  const children = new Map(secrets.map((each) => [`Secret/${each.metadata.name}`, slim(each)]));
  for (let round = 0; round < 2; round++) {
    for (const step of decide(owned, observed(children), 0, SETTINGS).steps) {
      const object = desired(step);
      const id = `${object.kind}/${object.metadata.name}`;
      if (step.kind === 'delete' || children.has(id)) continue;
      found.push({type: step.kind === 'mint' || step.kind === 'keys' ? RESOURCES.Secret : step.type, object});
      children.set(id, step.kind === 'run' ? succeeded(object) : object);
    }
  }
  if (found.length !== CHILDREN) {
    const names = found.map(({object}) => `${object.kind}/${object.metadata.name}`).join(', ');
    throw new Error(`a resource has ${found.length} children and not ${CHILDREN}: ${names}`);
  }
  return found;
}

function desired(step: Step): KubeObject {
  if (step.kind === 'mint' || step.kind === 'keys')
    throw new Error(`the key material of ${step.name} is there already`);
  if ('object' in step) return step.object;
  if (step.kind === 'run' || step.initially === undefined) return step.desired;
  const spec = {...(step.desired['spec'] as object), ...(step.initially['spec'] as object)};
  return {...step.desired, spec};
}

function succeeded(job: KubeObject): KubeObject {
  return {...job, status: {succeeded: 1, conditions: [{type: 'Complete', status: 'True'}]}};
}

function observed(children: ReadonlyMap<string, KubeObject>): Observed {
  const views = Object.entries(SECRETS).map(([name, values]) => {
    const data = Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    return [name, viewOf(Object.fromEntries(data) as Record<string, string>)] as const;
  });
  const keys = [...children.values()].find((each) => keysIn(each)?.length);
  return {
    secrets: new Map(views),
    children,
    signingKeys: keysIn(keys),
    pods: [],
    replicaSets: [],
    logLines: new Map(),
    firstSeen: new Map(),
    monotonic: 0,
    health: undefined,
  };
}

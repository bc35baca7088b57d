import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {merged, refuseForeign} from '../../kube/apply.ts';
import {isApiError} from '../../kube/client.ts';
import {RESOURCES, type KubeObject, type ObjectKey, type ResourceType} from '../../kube/objects.ts';
import {previewChild} from '../../kube/preview.ts';
import {ANNOTATION, MANAGER} from '../desired/children.ts';
import {instanceOf} from '../desired/instance.ts';
import {ownSecret} from '../desired/secrets.ts';
import {child, type Observed} from '../observed.ts';
import type {Cluster} from '../reconcile/act.ts';
import {ATTEMPT, GENERATION} from '../decide/attempts.ts';
import type {Alias, Step} from '../decide/decision.ts';
import {REFUSED} from '../decide/refusal.ts';
import {own} from '../reconcile/ours.ts';
import {slim} from '../observe/slim.ts';
import {changeOf, type Change} from './change.ts';
import {differences, type Difference} from './differences.ts';
import {ownVariables, told, toldOfNew} from './fields.ts';
import {secretToBe} from './foresee.ts';

/** Why something changes that is nobody's wish: what is remembered of roll-outs. */
export const NOTES = 'only notes that the operator keeps there';

/** What one step would do. */
export interface Foresight {
  readonly change: Change;
  /** The object that it would leave; undefined where it would leave none. */
  readonly after: KubeObject | undefined;
}

export interface Asking {
  readonly cluster: Cluster;
  readonly resource: FraiseQLAuth;
  readonly observed: Observed;
  readonly aliases: readonly Alias[];
  /** The environment variables that the user gives the pods. */
  readonly extraEnv: readonly {name: string}[];
  /** The object as earlier steps of the plan would leave it. */
  readonly foreseen: KubeObject | undefined;
  readonly signal: AbortSignal;
}

/**
 * What a step would do, asked from the API server by a dry run of the very call that would do it: nothing is stored.
 * Undefined: it would do nothing.
 * @throws ForeignObjectError, ApiError as the step itself would
 */
export async function preview(asking: Asking, step: Step): Promise<Foresight | undefined> {
  switch (step.kind) {
    case 'mint':
    case 'keys':
      return previewSecret(asking, step);
    case 'apply':
      return previewApply(asking, step);
    case 'run':
      return previewRun(asking, step);
    case 'own':
      return previewOwn(asking, step);
    case 'patch':
      return previewPatch(asking, step);
    case 'delete':
      return previewDelete(asking, step);
    default:
      return step satisfies never;
  }
}

/** Of key material it is planned that it is made; what it will be nobody knows, and nothing of it counts. */
async function previewSecret(
  {cluster, resource, aliases, foreseen, signal}: Asking,
  step: Extract<Step, {kind: 'mint' | 'keys'}>,
): Promise<Foresight> {
  const {namespace} = resource.metadata;
  const {name} = step;
  const after = secretToBe(step, namespace);
  if (step.kind === 'keys' && step.secret !== undefined) {
    const {uid, resourceVersion, annotations} = step.secret.metadata;
    const patch = {metadata: {uid, resourceVersion, annotations}};
    const options = {fieldManager: MANAGER, signal, dryRun: true};
    if (foreseen === undefined) await cluster.mergePatch(RESOURCES.Secret, {namespace, name}, patch, options);
  } else {
    await tryCreate(cluster, RESOURCES.Secret, ownSecret(instanceOf(resource), name), signal);
  }
  const verb = step.kind === 'keys' && step.secret !== undefined ? 'Update' : 'Create';
  const fields =
    step.kind === 'mint'
      ? [{path: 'data', to: 'key: created once it is approved'}]
      : fieldsOfKeys(step.rotation.mint, step.rotation.drop);
  const target =
    step.kind === 'mint'
      ? step.what
      : {
          mint: step.rotation.mint,
          drop: step.rotation.drop,
          keys: step.rotation.ring.keys.map(({kid, algorithm, state}) => ({kid, algorithm, state})),
        };
  return {change: changeOf({verb, kind: 'Secret', name, fields}, {target}, aliases), after};
}

function fieldsOfKeys(mint: string | undefined, drop: readonly string[]): {path: string; to?: string}[] {
  return [
    {path: 'data[keys.json]'},
    ...(mint === undefined ? [] : [{path: 'data', to: `a new ${mint} key, created once it is approved`}]),
    ...drop.map((kid) => ({path: `data[${kid}.pem]`, to: 'removed'})),
  ];
}

async function previewApply(
  {cluster, observed, aliases, extraEnv, foreseen, signal}: Asking,
  {type, desired, initially}: Extract<Step, {kind: 'apply'}>,
): Promise<Foresight | undefined> {
  const {kind, metadata} = desired;
  const {name} = metadata;
  const live = child(observed, kind, name);
  const wanted = {type, desired, live, fieldManager: MANAGER, initially, signal};
  const seen = await previewChild(cluster, wanted, foreseen);
  if (seen.outcome === 'unchanged') return undefined;
  const {before, after} = seen;
  const own = ownVariables(desired, extraEnv);
  const target = {desired: withoutWords(desired), initially};
  if (seen.outcome === 'created') {
    const fields = toldOfNew(merged(desired, initially), own);
    return {change: changeOf({verb: 'Create', kind, name, fields}, {target}, aliases), after};
  }
  return updated(before, after, {target, initially, own, aliases});
}

function updated(
  before: KubeObject | undefined,
  after: KubeObject,
  {
    target,
    initially,
    own,
    aliases,
  }: {
    target: unknown;
    initially?: Record<string, unknown> | undefined;
    own: ReadonlySet<string>;
    aliases: readonly Alias[];
  },
): Foresight | undefined {
  const found = differences(before, after, initially);
  if (found.length === 0) return undefined;
  const {kind, metadata} = after;
  const {name} = metadata;
  const why = found.every(isNote) ? NOTES : undefined;
  const change = {verb: 'Update', kind, name, fields: told(found, own), ...(why && {why})} as const;
  const difference = found.filter(({path}) => path.at(-1) !== REFUSED);
  return {change: changeOf(change, {target, difference}, aliases), after};
}

/** Without what is noted of a failure, whose words change with each crash of the same pod: the change is the same. */
function withoutWords(desired: KubeObject): KubeObject {
  const {[REFUSED]: words, ...annotations} = desired.metadata.annotations ?? {};
  return words === undefined ? desired : {...desired, metadata: {...desired.metadata, annotations}};
}

/** Annotations of ours; and how long new pods have to be ready, which goes with what is noted of their template. */
function isNote({path: [top, field, name]}: Difference): boolean {
  if (top === 'spec') return field === 'minReadySeconds';
  return field === 'annotations' && name?.startsWith(`${ANNOTATION}/`) === true;
}

/** A Job's name says all about it; which try it is makes no other change of it. */
async function previewRun(asking: Asking, step: Extract<Step, {kind: 'run'}>): Promise<Foresight> {
  const {cluster, aliases, extraEnv, signal} = asking;
  const {type, desired, supersedes} = step;
  if (supersedes) {
    const {uid} = supersedes.metadata;
    const options = {uid, propagationPolicy: 'Background', signal, dryRun: true} as const;
    await cluster.delete(type, supersedes.metadata, options);
  } else {
    await tryCreate(cluster, type, desired, signal);
  }
  const {[ATTEMPT]: _, [GENERATION]: __, ...annotations} = desired.metadata.annotations ?? {};
  const target = {...desired, metadata: {...desired.metadata, annotations}};
  const fields = toldOfNew(desired, ownVariables(desired, extraEnv));
  const {kind, metadata} = desired;
  return {
    change: changeOf({verb: 'Run', kind, name: metadata.name, fields}, {target}, aliases),
    after: desired,
  };
}

/** What is there already stays, where it is ours; one that went just now is a matter for the next pass. */
async function tryCreate(
  cluster: Cluster,
  type: ResourceType,
  desired: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  try {
    await cluster.create(type, desired, {fieldManager: MANAGER, strict: true, signal, dryRun: true});
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    const there = await cluster.get<KubeObject>(type, desired.metadata, {signal});
    if (there === undefined) throw error;
    refuseForeign(desired, there);
  }
}

async function previewOwn(
  {cluster, aliases, foreseen, signal}: Asking,
  {type, object: live, desired}: Extract<Step, {kind: 'own'}>,
): Promise<Foresight | undefined> {
  if (foreseen !== undefined) return undefined;
  // As a store keeps it: of a Secret nothing secret may stand in a plan.
  const after = slim(await own(cluster, {type, desired, live, signal, dryRun: true}));
  return updated(live, after, {target: desired, own: new Set(), aliases});
}

async function previewPatch(
  asking: Asking,
  step: Extract<Step, {kind: 'patch'}>,
): Promise<Foresight | undefined> {
  const {cluster, aliases, foreseen, signal} = asking;
  const {type, object, patch} = step;
  const {metadata} = object;
  const key: ObjectKey = {namespace: metadata.namespace, name: metadata.name};
  const before = foreseen ?? (await cluster.get<KubeObject>(type, key, {signal}));
  if (before === undefined) return undefined;
  const whole = {...patch, metadata: {...patch.metadata, uid: metadata.uid}};
  const after = foreseen
    ? patched(foreseen, patch)
    : await cluster.mergePatch<KubeObject>(type, key, whole, {fieldManager: MANAGER, signal, dryRun: true});
  return updated(before, after, {target: patch, own: new Set(), aliases});
}

/** As a JSON merge patch of these few fields leaves an object. */
function patched(object: KubeObject, patch: Extract<Step, {kind: 'patch'}>['patch']): KubeObject {
  const annotations = Object.fromEntries(
    Object.entries({...object.metadata.annotations, ...patch.metadata?.annotations}).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    ),
  );
  const spec = {...(object['spec'] as object), ...patch.spec};
  return {...object, metadata: {...object.metadata, annotations}, spec};
}

async function previewDelete(asking: Asking, step: Extract<Step, {kind: 'delete'}>): Promise<Foresight> {
  const {cluster, aliases, foreseen, signal} = asking;
  const {type, object, why} = step;
  const {kind, metadata} = object;
  const {uid, name} = metadata;
  if (foreseen === undefined) {
    await cluster.delete(type, metadata, {uid, propagationPolicy: 'Background', signal, dryRun: true});
  }
  const content = {target: {why, uid: foreseen === undefined ? uid : undefined}, planned: {why}};
  const change = changeOf({verb: 'Delete', kind, name, fields: [], why}, content, aliases);
  return {change, after: undefined};
}

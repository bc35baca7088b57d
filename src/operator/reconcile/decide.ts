import {checkSpec, type FieldError} from '../../api/v1alpha1/check.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {references, type Reference} from '../../api/v1alpha1/references.ts';
import {resolveSpec, type ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {controllerOf, RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import {backupCronJob} from '../desired/backupCronJob.ts';
import {configMap} from '../desired/configMap.ts';
import {deployment} from '../desired/deployment.ts';
import {horizontalPodAutoscaler} from '../desired/horizontalPodAutoscaler.ts';
import type {Instance} from '../desired/instance.ts';
import {migrationJob} from '../desired/migrationJob.ts';
import {names} from '../desired/names.ts';
import {podDisruptionBudget} from '../desired/podDisruptionBudget.ts';
import {lowestReplicas} from '../desired/replicas.ts';
import {service} from '../desired/service.ts';
import {backupServiceAccount, serviceAccount} from '../desired/serviceAccount.ts';
import {child, childrenOf, deploymentOf, jobsOf, type Observed} from '../observed.ts';
import {configMapsOf, trueCondition} from '../workloads.ts';
import type {Decision, Step} from './decision.ts';
import {assessKeys} from './keys.ts';
import {assessMigration, ATTEMPT, GENERATION} from './migration.ts';
import {resolveSecrets} from './secrets.ts';
import {versionOf} from './version.ts';

/** What every decision rests on beside the resource and what was seen of it. */
export interface Settings {
  /** What pods run where the spec names no image, and its version. */
  readonly image: string;
  readonly version: string;
  /** What that version needs of the database. */
  readonly schemaVersion: string;
}

/**
 * What to do for a resource, from what is known of it: no I/O, and no clock but `now` (milliseconds since the epoch).
 *
 * The order, each only when what comes before it is there:
 *   spec valid → Secrets resolved → own keys → ServiceAccount, ConfigMap → migration → Deployment, HPA
 * Service, disruption budget and CronJob of what runs already are kept up whatever is wrong elsewhere. Nothing that
 * runs is ever taken away because something is wrong.
 */
export function decide(
  resource: FraiseQLAuth,
  observed: Observed,
  now: number,
  settings: Settings,
): Decision {
  const {errors, spec, named} = reading(resource);
  if (spec === undefined) {
    return {...NOTHING, specErrors: errors, image: settings.image, version: settings.version};
  }
  const {metadata} = resource;
  const instance: Instance = {name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, spec};
  const name = names(instance);
  const image = spec.image ?? settings.image;
  const version = versionOf(image, settings);
  const secrets = resolveSecrets(metadata.namespace, named, spec.database.urlSecretRef, observed);
  const steps: Step[] = [];
  const apply = (type: ResourceType, desired: KubeObject | undefined, needs: string[] = []): void => {
    if (desired) steps.push({kind: 'apply', type, desired, needs});
  };
  const found = {specErrors: errors, spec, image, version, secrets};
  const {algorithm} = spec.tokens;
  const keys =
    observed.signingKeys === undefined
      ? undefined
      : assessKeys(observed, algorithm, name.signingKeys, metadata.namespace);

  // What does not depend on Secrets or schema, and belongs to what runs.
  const running = deploymentOf(observed, name.server) !== undefined;
  const frame = (): void => {
    apply(RESOURCES.Service, service(instance));
    apply(RESOURCES.PodDisruptionBudget, podDisruptionBudget(instance));
  };
  const upkeep = (): void => {
    if (!running) return;
    apply(RESOURCES.ServiceAccount, serviceAccount(instance));
    frame();
  };

  if (secrets.problems.length > 0) {
    upkeep();
    steps.push(...removals(instance, observed));
    return {...NOTHING, ...found, keys, steps};
  }

  const state = child(observed, 'Secret', name.state);
  if (keys?.active === undefined)
    steps.push({kind: 'mint', what: 'signing-keys', name: name.signingKeys, algorithm});
  if (state === undefined) steps.push({kind: 'mint', what: 'state', name: name.state, algorithm});
  if (keys?.active === undefined || state === undefined) {
    upkeep();
    return {...NOTHING, ...found, keys, steps};
  }

  apply(RESOURCES.ServiceAccount, serviceAccount(instance));
  const {active} = keys;
  const config = configMap(instance, {
    signingKeys: keys.usable.map(({kid, algorithm}) => ({
      kid,
      algorithm,
      use: kid === active.kid ? 'sign' : 'verify',
    })),
  });
  apply(RESOURCES.ConfigMap, config);

  const job = migrationJob(instance, {
    image,
    schemaVersion: settings.schemaVersion,
    databaseHash: secrets.databaseHash,
  });
  const migration = assessMigration({
    desired: job,
    generation: metadata.generation,
    target: settings.schemaVersion,
    databaseHash: secrets.databaseHash,
    observed,
    status: resource.status,
    now,
  });
  const account = `ServiceAccount/${name.server}`;
  if (migration.state === 'Wanted') {
    const annotations = {
      ...job.metadata.annotations,
      [ATTEMPT]: String(migration.attempt),
      [GENERATION]: String(metadata.generation),
    };
    steps.push({
      kind: 'run',
      type: RESOURCES.Job,
      desired: {...job, metadata: {...job.metadata, annotations}},
      needs: [account],
      ...(migration.supersedes && {supersedes: migration.supersedes}),
    });
  }

  if (migration.state === 'Done') {
    const stateHash = Object.values((state['data'] ?? {}) as Record<string, string>).join();
    const manifest = deployment(instance, {
      image,
      version,
      configMapName: config.metadata.name,
      secretHash: `${secrets.serverHash}${stateHash.slice(0, 8)}`,
    });
    const automatic = spec.scaling.kind === 'Automatic';
    // Before it gets a fixed number of pods, what moves that number has to go.
    if (!automatic)
      steps.push(...removal(RESOURCES.HorizontalPodAutoscaler, name.server, observed, 'autoscaling is off'));
    steps.push({
      kind: 'apply',
      type: RESOURCES.Deployment,
      desired: manifest,
      needs: [account, `ConfigMap/${config.metadata.name}`],
      ...(automatic && {initially: {spec: {replicas: lowestReplicas(spec.scaling)}}}),
    });
    frame();
    apply(RESOURCES.HorizontalPodAutoscaler, horizontalPodAutoscaler(instance), [
      `Deployment/${name.server}`,
    ]);
    if (secrets.backupProblems.length === 0) {
      apply(RESOURCES.ServiceAccount, backupServiceAccount(instance));
      apply(RESOURCES.CronJob, backupCronJob(instance, {image, version}), [`ServiceAccount/${name.backup}`]);
    }
  } else if (running) {
    frame();
  }
  steps.push(...removals(instance, observed));
  steps.push(
    ...leftovers(instance, observed, job.metadata.name, config.metadata.name, migration.state === 'Done'),
  );
  const requeueAfterMs = migration.state === 'Failed' ? Math.max(0, migration.retryAt - now) : undefined;
  return {...found, keys, migration, migrationJob: job.metadata.name, steps, requeueAfterMs};
}

const NOTHING = {
  spec: undefined,
  secrets: undefined,
  keys: undefined,
  migration: undefined,
  migrationJob: undefined,
  steps: [],
  requeueAfterMs: undefined,
} as const;

/** Children of sections that the spec no longer has. */
function removals(instance: Instance, observed: Observed): Step[] {
  const {spec} = instance;
  const name = names(instance);
  const steps: Step[] = [];
  if (!spec.backup) {
    steps.push(...removal(RESOURCES.CronJob, name.backup, observed, 'the spec has no backup'));
    steps.push(...removal(RESOURCES.ServiceAccount, name.backup, observed, 'the spec has no backup'));
  }
  if (!podDisruptionBudget(instance)) {
    steps.push(...removal(RESOURCES.PodDisruptionBudget, name.server, observed, 'a single pod has none'));
  }
  return steps;
}

function removal(type: ResourceType, name: string, observed: Observed, why: string): Step[] {
  const object = child(observed, type.kind, name);
  return object === undefined || object.metadata.deletionTimestamp !== undefined
    ? []
    : [{kind: 'delete', type, object, why}];
}

/** Configurations that no pod uses any more, and Jobs whose migration is no longer the one. */
function leftovers(
  instance: Instance,
  observed: Observed,
  job: string,
  config: string,
  migrated: boolean,
): Step[] {
  const {server} = names(instance);
  const live = deploymentOf(observed, server);
  const used = new Set([
    config,
    ...configMapsOf(live?.spec?.template?.spec),
    ...observed.replicaSets
      .filter((each) => (each.spec?.replicas ?? 0) > 0 || (each.status?.replicas ?? 0) > 0)
      .flatMap((each) => configMapsOf(each.spec?.template?.spec)),
    ...observed.pods.flatMap((each) => configMapsOf(each.spec)),
  ]);
  const steps: Step[] = [];
  for (const each of childrenOf(observed, 'ConfigMap')) {
    if (used.has(each.metadata.name) || each.metadata.deletionTimestamp !== undefined) continue;
    steps.push({kind: 'delete', type: RESOURCES.ConfigMap, object: each, why: 'no pod uses it any more'});
  }
  for (const each of jobsOf(observed)) {
    if (each.metadata.labels?.['app.kubernetes.io/component'] !== 'migration') continue;
    if (each.metadata.name === job || each.metadata.deletionTimestamp !== undefined) continue;
    if (controllerOf(each)?.uid !== instance.uid) continue;
    // One that succeeded stays until the next has: should the spec go back, there is nothing to run again.
    if (!migrated && trueCondition(each, 'Complete')) continue;
    steps.push({kind: 'delete', type: RESOURCES.Job, object: each, why: 'another migration took its place'});
  }
  return steps;
}

interface Reading {
  readonly errors: readonly FieldError[];
  readonly spec: ResolvedSpec | undefined;
  readonly named: readonly Reference[];
}

// A spec is read again only when its generation is another one: status writes change nothing of it.
const readings = new Map<string, Reading>();
const MAX_READINGS = 4096;

/** The spec, checked and with every default in it; what it refers to; or what is wrong with it. */
export function reading(resource: FraiseQLAuth): Reading {
  const {uid, generation} = resource.metadata;
  const id = `${uid} ${generation}`;
  const known = readings.get(id);
  if (known !== undefined) return known;
  const errors = checkSpec(resource);
  const spec = errors.length > 0 ? undefined : resolveSpec(resource.spec);
  const result = {errors, spec, named: spec === undefined ? [] : references(spec)};
  readings.set(id, result);
  if (readings.size > MAX_READINGS) readings.delete(readings.keys().next().value ?? '');
  return result;
}

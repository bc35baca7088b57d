import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {MOVED_FIELD, moveProblem} from '../../api/v1alpha1/move.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import {backupCronJob} from '../desired/backup-cron-job.ts';
import {configMap} from '../desired/config-map.ts';
import {checkJob} from '../desired/check-job.ts';
import {deployment, serverTemplate, versionLabel, type ServerTemplate} from '../desired/deployment.ts';
import {horizontalPodAutoscaler} from '../desired/horizontal-pod-autoscaler.ts';
import {shortHash} from '../desired/hash.ts';
import type {Instance} from '../desired/instance.ts';
import {migrationJob, migrationJobName} from '../desired/migration-job.ts';
import {names} from '../desired/names.ts';
import {podDisruptionBudget} from '../desired/pod-disruption-budget.ts';
import {lowestReplicas} from '../desired/replicas.ts';
import {service} from '../desired/service.ts';
import {backupServiceAccount, serviceAccount} from '../desired/service-account.ts';
import {child, deploymentOf, schemesOf, type Observed} from '../observed.ts';
import {UNMADE, type Alias, type Decision, type Step} from './decision.ts';
import {hibernation, waking} from './hibernation.ts';
import {assessKeys} from './key-finding.ts';
import {ATTEMPT, GENERATION} from './attempts.ts';
import {assessMigration} from './migration.ts';
import {assessProof, provenTemplate} from './proof.ts';
import {reading} from './reading.ts';
import {databaseHashOf, resolveSecrets} from './secrets.ts';
import {owning} from './owning.ts';
import {leftovers, removal, removals} from './tidy.ts';
import {versionOf} from './version.ts';

/** A missing claim is looked for again after this long, since claims are not watched. */
const CLAIM_AGAIN_MS = 15_000;

/** What every decision depends on besides the resource and what was observed of it. */
export interface Settings {
  /** What pods run where the spec names no image, and its version. */
  readonly image: string;
  readonly version: string;
  /** What that version needs of the database. */
  readonly schemaVersion: string;
  /** The cluster assigns user and group of pods. */
  readonly assignedIds?: boolean | undefined;
}

/**
 * What to do for a resource, from what is known of it: no I/O, and no clock but `now` (milliseconds since the epoch).
 *
 * The order, each only when what comes before it is there:
 *   spec valid → Secrets resolved → own keys → ServiceAccount, ConfigMap → check → migration → Deployment, HPA
 * A change is checked before it replaces what runs; until then, and if it fails, what ran last is kept up. Once something
 * runs, its Service, disruption budget and backup CronJob are kept up whatever is wrong elsewhere, as long as a backup's
 * own Secrets are there. Nothing that runs is ever taken away because something is wrong.
 */
export function decide(
  resource: FraiseQLAuth,
  observed: Observed,
  now: number,
  settings: Settings,
): Decision {
  const decision = decideActive(resource, observed, now, settings);
  if (decision.spec?.management !== 'Paused') return decision;
  return {...decision, steps: [], requeueAfterMs: undefined};
}

function decideActive(resource: FraiseQLAuth, observed: Observed, now: number, settings: Settings): Decision {
  const {errors, spec, named} = reading(resource);
  if (spec === undefined) {
    return {...NOTHING, specErrors: errors, image: settings.image, version: settings.version};
  }
  const {metadata, status} = resource;
  // If nothing ever served, nobody has a token.
  const told = status?.version?.current === undefined ? undefined : status.endpoints?.issuer;
  const moved = told === undefined ? undefined : moveProblem(told, spec);
  if (moved !== undefined) {
    const specErrors = [{field: MOVED_FIELD, message: moved}];
    return {...NOTHING, specErrors, image: settings.image, version: settings.version};
  }
  const instance: Instance = {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    spec,
    assignedIds: settings.assignedIds,
  };
  const name = names(instance);
  const image = spec.image ?? settings.image;
  const version = versionOf(image, settings);
  const secrets = resolveSecrets(metadata.namespace, named, spec.database.urlSecretRef, observed);
  const steps: Step[] = [];
  const apply = (type: ResourceType, desired: KubeObject | undefined, needs: string[] = []): void => {
    if (desired) steps.push({kind: 'apply', type, desired, needs});
  };
  const found = {specErrors: errors, spec, image, version, secrets};
  const keys = assessKeys(resource, spec, observed, now);

  // What does not depend on Secrets or schema, and belongs to what runs.
  const live = deploymentOf(observed, name.server);
  const frame = (): void => {
    apply(RESOURCES.Service, service(instance, schemesOf(observed, name.server)));
    apply(RESOURCES.PodDisruptionBudget, podDisruptionBudget(instance));
  };
  // Backups need their own Secrets and nothing else, and are made by the image that runs.
  const backUp = (what: {image: string; version: string}): void => {
    if (!secrets.backupReady) return;
    apply(RESOURCES.ServiceAccount, backupServiceAccount(instance));
    apply(RESOURCES.CronJob, backupCronJob(instance, what), [`ServiceAccount/${name.backup}`]);
  };
  const keepBackingUp = (): void => {
    const proven = live && provenTemplate(live);
    backUp(proven === undefined ? {image, version} : imageOf(proven));
  };
  const upkeep = (): void => {
    if (live === undefined) return;
    apply(RESOURCES.ServiceAccount, serviceAccount(instance));
    frame();
    if (spec.runState === 'Running') keepBackingUp();
  };

  if (spec.runState === 'Hibernated') {
    steps.push(...hibernation(instance, observed));
    upkeep();
    steps.push(...removals(instance, observed));
    return {...NOTHING, ...found, keys, steps};
  }
  steps.push(...owning(instance, observed), ...waking(instance, observed));
  // Keys that are there rotate on, whatever is wrong elsewhere.
  if (keys.step?.secret !== undefined) steps.push(keys.step);
  if (secrets.problems.length > 0) {
    upkeep();
    steps.push(...removals(instance, observed));
    return {...NOTHING, ...found, keys, steps, requeueAfterMs: soonest(now, keys.rotation.dueAt)};
  }

  const state = child(observed, 'Secret', name.state);
  if (keys.step !== undefined && keys.step.secret === undefined) steps.push(keys.step);
  if (state === undefined) steps.push({kind: 'mint', what: 'state', name: name.state});
  if (keys.active === undefined || state === undefined) {
    upkeep();
    return {...NOTHING, ...found, keys, steps, requeueAfterMs: soonest(now, keys.rotation.dueAt)};
  }

  apply(RESOURCES.ServiceAccount, serviceAccount(instance));
  const config = configMap(instance);
  apply(RESOURCES.ConfigMap, config);

  const stateHash = Object.values((state['data'] ?? {}) as Record<string, string>).join();
  const secretHash = `${secrets.serverHash}${stateHash.slice(0, 8)}`;
  const madeOf = {image, version, configMapName: config.metadata.name};
  const template = serverTemplate(instance, {...madeOf, secretHash});
  const assessed = assessProof({
    template,
    rollout: spec.rollout,
    live,
    jobName: name.check,
    observed,
    status: resource.status,
    now,
  });
  const {proof, kept} = assessed;
  const migratesTo = (key: string) => {
    const databaseHash = databaseHashOf(secrets, key);
    return {image, schemaVersion: settings.schemaVersion, databaseHash};
  };
  const unmade = (): Alias[] => {
    const then = `${secrets.serverHash}${UNMADE}`;
    const [wanted, wantedThen] = [migratesTo(stateHash), migratesTo(UNMADE)];
    return [
      [secretHash, then],
      [assessed.hash, shortHash(serverTemplate(instance, {...madeOf, secretHash: then}))],
      [wanted.databaseHash, wantedThen.databaseHash],
      [migrationJobName(instance, wanted), migrationJobName(instance, wantedThen)],
    ];
  };
  const account = `ServiceAccount/${name.server}`;
  const configuration = `ConfigMap/${config.metadata.name}`;
  const attempt = (desired: KubeObject, number: number, needs: string[], supersedes?: KubeObject): void => {
    const annotations = {
      ...desired.metadata.annotations,
      [ATTEMPT]: String(number),
      [GENERATION]: String(metadata.generation),
    };
    steps.push({
      kind: 'run',
      type: RESOURCES.Job,
      desired: {...desired, metadata: {...desired.metadata, annotations}},
      needs,
      ...(supersedes && {supersedes}),
    });
  };
  const trial = proof.state === 'Refused' ? proof.next : proof;
  if (trial.state === 'Wanted') {
    attempt(
      checkJob(instance, template, assessed.hash),
      trial.attempt,
      [account, configuration],
      trial.supersedes,
    );
  }

  const {databaseHash} = migratesTo(stateHash);
  const job = migrationJob(instance, migratesTo(stateHash));
  const mayRoll = proof.state === 'Roll';
  // A change that has not passed its check migrates nothing. A migration that ran before stays the current one.
  const migration =
    mayRoll || resource.status?.schema?.job === job.metadata.name
      ? assessMigration({
          desired: job,
          generation: metadata.generation,
          target: settings.schemaVersion,
          databaseHash,
          observed,
          status: resource.status,
          now,
        })
      : undefined;
  if (migration?.state === 'Wanted') attempt(job, migration.attempt, [account], migration.supersedes);

  const serve = (
    pods: ServerTemplate,
    annotations: Readonly<Record<string, string>>,
    needs: string[],
    what: {image: string; version: string},
  ): void => {
    const automatic = spec.scaling.kind === 'Automatic';
    // With a fixed number of pods the autoscaler has to go first, or it would change that number.
    if (!automatic)
      steps.push(...removal(RESOURCES.HorizontalPodAutoscaler, name.server, observed, 'autoscaling is off'));
    steps.push({
      kind: 'apply',
      type: RESOURCES.Deployment,
      desired: deployment(instance, pods, annotations),
      needs,
      ...(automatic && {initially: {spec: {replicas: lowestReplicas(spec.scaling)}}}),
    });
    frame();
    apply(RESOURCES.HorizontalPodAutoscaler, horizontalPodAutoscaler(instance), [
      `Deployment/${name.server}`,
    ]);
    backUp(what);
  };
  if (mayRoll && migration?.state === 'Done') {
    serve(template, assessed.annotations, [account, configuration], {image, version});
  } else if (kept) {
    serve(kept.template, kept.annotations, [account], imageOf(kept.template));
  } else if (live !== undefined) {
    frame();
    keepBackingUp();
  }
  steps.push(...removals(instance, observed));
  steps.push(
    ...leftovers(instance, observed, {
      job: job.metadata.name,
      config: config.metadata.name,
      assessed,
      migrated: migration?.state === 'Done',
    }),
  );
  return {
    ...found,
    keys,
    proof,
    checkJob: name.check(assessed.hash),
    migration,
    migrationJob: job.metadata.name,
    databaseHash,
    aliases: spec.management === 'Plan' ? unmade() : [],
    steps,
    requeueAfterMs: soonest(
      now,
      migration?.state === 'Failed' ? migration.retryAt : undefined,
      trial.state === 'Waiting' || trial.state === 'Resting' ? trial.retryAt : undefined,
      keys.rotation.dueAt,
      [...(observed.claims?.values() ?? [])].includes(false) ? now + CLAIM_AGAIN_MS : undefined,
    ),
  };
}

/** The image and version of a template, for the backups that go with it. */
function imageOf(template: ServerTemplate): {image: string; version: string} {
  return {image: template.spec.containers[0]?.image ?? '', version: versionLabel(template) ?? ''};
}

const NOTHING = {
  spec: undefined,
  secrets: undefined,
  keys: undefined,
  proof: undefined,
  checkJob: undefined,
  migration: undefined,
  migrationJob: undefined,
  databaseHash: undefined,
  aliases: [],
  steps: [],
  requeueAfterMs: undefined,
} as const;

/** Milliseconds until the first of these times. */
function soonest(now: number, ...times: (number | undefined)[]): number | undefined {
  const known = times.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.max(0, Math.min(...known) - now);
}

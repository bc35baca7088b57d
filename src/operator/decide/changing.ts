import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {RESOURCES} from '../../kube/objects.ts';
import {checkJob} from '../desired/check-job.ts';
import {configMap} from '../desired/config-map.ts';
import type {Instance} from '../desired/instance.ts';
import {migrationJob} from '../desired/migration-job.ts';
import {names} from '../desired/names.ts';
import {serviceAccount} from '../desired/service-account.ts';
import {deploymentOf, type Observed} from '../observed.ts';
import {UNMADE, type Decision} from './decision.ts';
import {wakesUntil} from './hibernation.ts';
import {backUp, frame, keepBackingUp, releaseOf, serve, type Release} from './keeping.ts';
import {assessMigration} from './migration.ts';
import {assessProof} from './proof.ts';
import {provenAndGiven} from './remembered.ts';
import type {SecretsFinding} from './secrets.ts';
import {apply, attempt} from './steps.ts';
import {aliasesOf, targetOf} from './target.ts';
import {leftovers, removals} from './tidy.ts';

/** What a spec asks for, once the Secrets that it names and the keys of our own are there. */
export interface Asked {
  readonly resource: FraiseQLAuth;
  readonly instance: Instance;
  readonly release: Release;
  /** What the operator's own release needs of the database. */
  readonly schemaVersion: string;
  readonly secrets: SecretsFinding;
  /** The hash of the key that seals logins. */
  readonly stateKey: string;
}

/** How it stands with what is asked for, and what is to be done for it. */
export interface Changing extends Pick<
  Decision,
  'template' | 'proof' | 'checkJob' | 'migration' | 'migrationJob' | 'databaseHash' | 'aliases' | 'steps'
> {
  /** When what failed is tried again: milliseconds since the epoch. */
  readonly retriesAt: readonly number[];
}

/**
 * Brings what runs to what is asked for: ServiceAccount, ConfigMap → check → migration → Deployment, HPA. A change that
 * may not run yet, or has failed, leaves what ran last in its place. `now` is milliseconds since the epoch.
 */
export function change(asked: Asked, observed: Observed, now: number): Changing {
  const {resource, instance, release, schemaVersion, secrets, stateKey} = asked;
  const {spec} = instance;
  const {status} = resource;
  const {generation} = resource.metadata;
  const name = names(instance);
  const live = deploymentOf(observed, name.server);
  const config = configMap(instance);
  const account = `ServiceAccount/${name.server}`;
  const configuration = `ConfigMap/${config.metadata.name}`;
  const steps = [
    ...apply(RESOURCES.ServiceAccount, serviceAccount(instance)),
    ...apply(RESOURCES.ConfigMap, config),
  ];

  const madeOf = {instance, release, schemaVersion, configMapName: config.metadata.name, secrets};
  const target = targetOf(madeOf, stateKey);
  const {template} = target;
  const {databaseHash} = target.schema;
  const assessed = assessProof({
    template,
    rollout: spec.rollout,
    live,
    wakesUntil: live && wakesUntil(spec, live, observed, now),
    jobName: name.check,
    observed,
    status,
    now,
  });
  const {proof} = assessed;
  const trial = proof.state === 'Refused' ? proof.next : proof;
  if (trial.state === 'Wanted') {
    const job = checkJob(instance, template, assessed.hash);
    steps.push(attempt(job, trial, generation, [account, configuration]));
  }

  const job = migrationJob(instance, target.schema);
  const mayRoll = proof.state === 'Roll';
  // A change that has not passed its check migrates nothing. A migration that ran before stays the current one.
  const migration =
    mayRoll || status?.schema?.job === job.metadata.name
      ? assessMigration({
          desired: job,
          generation,
          target: schemaVersion,
          databaseHash,
          observed,
          status,
          now,
        })
      : undefined;
  if (migration?.state === 'Wanted') steps.push(attempt(job, migration, generation, [account]));
  const migrated = migration?.state === 'Done';
  // A migration that is still to be done holds back the change, and not what runs.
  const kept = assessed.kept ?? (mayRoll && live !== undefined ? provenAndGiven(live, observed) : undefined);

  if (mayRoll && migrated) {
    const pods = {template, annotations: assessed.annotations};
    steps.push(...serve(instance, observed, pods, [account, configuration]));
    steps.push(...backUp(instance, secrets, release));
  } else if (kept !== undefined) {
    steps.push(...serve(instance, observed, kept, [account]));
    steps.push(...backUp(instance, secrets, releaseOf(kept.template)));
  } else if (live !== undefined) {
    steps.push(...frame(instance, observed), ...keepBackingUp(instance, observed, secrets, release));
  }
  const still = {job: job.metadata.name, config: config.metadata.name, assessed, migrated};
  steps.push(...removals(instance, observed), ...leftovers(instance, observed, still));
  return {
    template: assessed.hash,
    proof,
    checkJob: name.check(assessed.hash),
    migration,
    migrationJob: job.metadata.name,
    databaseHash,
    aliases: spec.management === 'Plan' ? aliasesOf(instance, target, targetOf(madeOf, UNMADE)) : [],
    steps,
    retriesAt: [
      ...(migration?.state === 'Failed' ? [migration.retryAt] : []),
      ...(trial.state === 'Waiting' || trial.state === 'Resting' ? [trial.retryAt] : []),
      ...(proof.state === 'Waking' ? [proof.until] : []),
    ],
  };
}

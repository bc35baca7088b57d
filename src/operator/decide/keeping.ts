import {RESOURCES} from '../../kube/objects.ts';
import {backupCronJob} from '../desired/backup-cron-job.ts';
import {versionLabel, type ServerTemplate} from '../desired/deployment.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {podDisruptionBudget} from '../desired/pod-disruption-budget.ts';
import {service} from '../desired/service.ts';
import {backupServiceAccount, serviceAccount} from '../desired/service-account.ts';
import {deploymentOf, schemesOf, type Observed} from '../observed.ts';
import type {Step} from './decision.ts';
import {provenTemplate} from './proof.ts';
import type {SecretsFinding} from './secrets.ts';
import {apply} from './steps.ts';

// What belongs to what runs, and is kept up whatever is wrong elsewhere.

/** An image, and the version that it is of. */
export interface Release {
  readonly image: string;
  readonly version: string;
}

/** All that is kept up where something runs; `asked` is what the spec asks for. */
export function upkeep(
  instance: Instance,
  observed: Observed,
  secrets: SecretsFinding,
  asked: Release,
): Step[] {
  if (deploymentOf(observed, names(instance).server) === undefined) return [];
  return [
    ...apply(RESOURCES.ServiceAccount, serviceAccount(instance)),
    ...frame(instance, observed),
    ...(instance.spec.runState === 'Running' ? keepBackingUp(instance, observed, secrets, asked) : []),
  ];
}

/** What depends neither on Secrets nor on the schema. */
export function frame(instance: Instance, observed: Observed): Step[] {
  return [
    ...apply(RESOURCES.Service, service(instance, schemesOf(observed, names(instance).server))),
    ...apply(RESOURCES.PodDisruptionBudget, podDisruptionBudget(instance)),
  ];
}

/** Backups by what ran everywhere last; as the spec asks, where nothing is known to have. */
export function keepBackingUp(
  instance: Instance,
  observed: Observed,
  secrets: SecretsFinding,
  asked: Release,
): Step[] {
  const live = deploymentOf(observed, names(instance).server);
  const proven = live && provenTemplate(live);
  return backUp(instance, secrets, proven === undefined ? asked : releaseOf(proven));
}

/** Backups need their own Secrets and nothing else, and are made by the image that runs. */
export function backUp(instance: Instance, {backupReady}: SecretsFinding, release: Release): Step[] {
  if (!backupReady) return [];
  return [
    ...apply(RESOURCES.ServiceAccount, backupServiceAccount(instance)),
    ...apply(RESOURCES.CronJob, backupCronJob(instance, release), [
      `ServiceAccount/${names(instance).backup}`,
    ]),
  ];
}

/** What a template runs, for the backups that go with it. */
export function releaseOf(template: ServerTemplate): Release {
  return {image: template.spec.containers[0]?.image ?? '', version: versionLabel(template) ?? ''};
}

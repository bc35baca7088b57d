import {RESOURCES} from '../../kube/objects.ts';
import {backupCronJob} from '../desired/backup-cron-job.ts';
import {deployment, versionLabel, type ServerTemplate} from '../desired/deployment.ts';
import {horizontalPodAutoscaler} from '../desired/horizontal-pod-autoscaler.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {podDisruptionBudget} from '../desired/pod-disruption-budget.ts';
import {lowestReplicas} from '../desired/replicas.ts';
import {service} from '../desired/service.ts';
import {backupServiceAccount, serviceAccount} from '../desired/service-account.ts';
import {deploymentOf, schemesOf, type Observed} from '../observed.ts';
import type {Step} from './decision.ts';
import {isOnTrial, provenAndGiven, provenTemplate, type Kept} from './remembered.ts';
import type {SecretsFinding} from './secrets.ts';
import {apply} from './steps.ts';
import {removal} from './tidy.ts';

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
  const {server} = names(instance);
  const live = deploymentOf(observed, server);
  if (live === undefined) return [];
  const steps = apply(RESOURCES.ServiceAccount, serviceAccount(instance));
  if (instance.spec.runState === 'Hibernated') return [...steps, ...frame(instance, observed)];
  const kept = provenAndGiven(live, observed);
  return [
    ...steps,
    ...(kept === undefined
      ? frame(instance, observed)
      : serve(instance, observed, kept, [`ServiceAccount/${server}`])),
    ...keepBackingUp(instance, observed, secrets, asked),
  ];
}

/** Pods of this template run, and what belongs to them is there. */
export function serve(instance: Instance, observed: Observed, pods: Kept, needs: readonly string[]): Step[] {
  const {scaling} = instance.spec;
  const name = names(instance);
  const automatic = scaling.kind === 'Automatic';
  return [
    // With a fixed number of pods the autoscaler has to go first, or it would change that number.
    ...(automatic
      ? []
      : removal(RESOURCES.HorizontalPodAutoscaler, name.server, observed, 'autoscaling is off')),
    {
      kind: 'apply',
      type: RESOURCES.Deployment,
      desired: deployment(instance, pods.template, pods.annotations, {onTrial: isOnTrial(pods.annotations)}),
      needs,
      ...(automatic && {initially: {spec: {replicas: lowestReplicas(scaling)}}}),
    },
    ...frame(instance, observed),
    ...apply(RESOURCES.HorizontalPodAutoscaler, horizontalPodAutoscaler(instance), [
      `Deployment/${name.server}`,
    ]),
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
  const proven = live && provenTemplate(live, observed);
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

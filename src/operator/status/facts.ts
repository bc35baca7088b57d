import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {selectorText} from '../desired/children.ts';
import {versionLabel} from '../desired/deployment.ts';
import type {Decision} from '../decide/decision.ts';
import {isGiven, recall, type Remembered} from '../decide/remembered.ts';
import {labelValue, names} from '../desired/names.ts';
import {deploymentOf, type Observed} from '../observed.ts';
import {isPending} from './plan.ts';
import {runsEverywhere, type Rollout} from '../decide/rollout.ts';
import type {Deployment} from '../workloads.ts';
import type {Inputs} from './inputs.ts';

// What the status says beside conditions and problems.

/** What runs, and by which labels its pods are found. */
export function countsNow(resource: FraiseQLAuth, rollout: Rollout): Partial<FraiseQLAuthStatus> {
  return {
    replicas: rollout.replicas,
    readyReplicas: rollout.ready,
    selector: selectorText(resource.metadata, 'server'),
  };
}

/**
 * The version that runs in every pod. While another is on its way, waits, was refused or is taken back, it is the one that
 * ran everywhere last, whatever the spec asks for.
 */
export function versionNow({decision, observed, resource}: Inputs): {current?: string} {
  const before = resource.status?.version?.current;
  const live = deploymentOf(observed, names(resource.metadata).server);
  const current = (live && versionOf(live, decision, observed, before)) ?? before;
  return current === undefined ? {} : {current};
}

function versionOf(
  live: Deployment,
  {template, version}: Decision,
  observed: Observed,
  before: string | undefined,
): string | undefined {
  const {given, proven, trial} = recall(live, observed);
  const told = (of: Remembered): string | undefined =>
    [version, before].find((each) => isOfVersion(of, each)) ?? versionLabel(of.template);
  if (runsEverywhere(live, observed)) {
    // Of one that is too large to be remembered only the hash is known.
    if (isGiven(live, template)) return version;
    return proven !== undefined && proven.hash === given ? told(proven) : undefined;
  }
  // One that is made is its own way back before it ever runs.
  if (before === undefined || trial === undefined || proven === undefined) return before;
  // It was seen to run everywhere, which could not be noted; that its pods fail by now takes nothing of that back.
  return isOfVersion(trial, before) ? before : told(proven);
}

/** A label holds a version only as far as a label may. */
function isOfVersion({template}: Remembered, version: string | undefined): boolean {
  return version !== undefined && labelValue(version) === (versionLabel(template) ?? '');
}

/** The schema that the database has, and that the version needs. */
export function schemaNow({decision, plan, resource, schemaVersion}: Inputs): FraiseQLAuthStatus['schema'] {
  const {migration, migrationJob, spec, databaseHash: database = ''} = decision;
  const before = resource.status?.schema;
  // What another image needs, only its migration can say.
  const target = spec?.image === undefined ? {target: schemaVersion} : undefined;
  if (migration === undefined || migrationJob === undefined) return before ?? target;
  // What nobody has let through has not been begun.
  if (migration.state === 'Wanted' && isPending(plan, 'Job', migrationJob)) return before ?? target;
  if (migration.state === 'Done') {
    const {schema} = migration;
    return {current: schema, target: schema, job: migrationJob, database};
  }
  // What another database has says nothing of this one.
  const current = before?.database === database ? before.current : undefined;
  const attempts = migration.state === 'Failed' ? migration.attempt : migration.attempt - 1;
  return {
    ...(current !== undefined && {current}),
    ...target,
    job: migrationJob,
    ...(attempts > 0 && {attempts}),
    database,
  };
}

/** Where applications find the service. */
export function endpoints({publicURL}: ResolvedSpec): FraiseQLAuthStatus['endpoints'] {
  return {
    issuer: publicURL,
    authorize: `${publicURL}/auth/start`,
    callback: `${publicURL}/auth/callback`,
    jwks: `${publicURL}/.well-known/jwks.json`,
  };
}

/** What the pods say of themselves; looked at again without another result, it is as old as it was. */
export function healthNow(
  observed: Observed,
  before: FraiseQLAuthStatus | undefined,
): FraiseQLAuthStatus['health'] {
  const {health} = observed;
  if (health === undefined) return undefined;
  const {auth, oauthProvider, db, cache, checkedAt} = health;
  const known = before?.health;
  const same =
    known?.auth === auth && known.oauthProvider === oauthProvider && known.db === db && known.cache === cache;
  return {
    auth,
    ...(oauthProvider && {oauthProvider}),
    ...(db && {db}),
    ...(cache && {cache}),
    checkedAt: same ? (known.checkedAt ?? checkedAt) : checkedAt,
  };
}

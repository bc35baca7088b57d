import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {selectorText} from '../desired/children.ts';
import {isGiven} from '../decide/remembered.ts';
import {names} from '../desired/names.ts';
import {deploymentOf, type Observed} from '../observed.ts';
import {isPending} from './plan.ts';
import type {Rollout} from '../decide/rollout.ts';
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

/** The version that all pods are of; the one before until they are. */
export function versionNow(
  {decision, observed, plan, resource}: Inputs,
  rollout: Rollout,
): {current?: string} {
  const live = deploymentOf(observed, names(resource.metadata).server);
  const done =
    // It may have been refused, and then what is complete is the roll-out before.
    isGiven(live, decision.template) &&
    rollout.state === 'Complete' &&
    decision.migration?.state === 'Done' &&
    decision.proof?.state === 'Roll' &&
    !isPending(plan, 'Deployment');
  const current = done ? decision.version : resource.status?.version?.current;
  return current === undefined ? {} : {current};
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

import type {ConditionType} from '../../api/v1alpha1/conditions.ts';
import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {STATUS_LIMITS} from '../../api/v1alpha1/status.ts';
import {standingOf} from '../decide/remembered.ts';
import {assessRollout, readyPods, type Rollout} from '../decide/rollout.ts';
import {names} from '../desired/names.ts';
import {deploymentOf, type Observed} from '../observed.ts';
import {sentence, type Problem} from '../problem.ts';
import {assess, type Assessed} from './assessed.ts';
import {backupGoesOn} from './backup.ts';
import {blockedOn} from './blocked-on.ts';
import {conditionsFrom, cut, isFalse, isTrue, type Finding} from './conditions.ts';
import {countsNow, endpoints, healthNow, schemaNow, versionNow} from './facts.ts';
import {
  availableFinding,
  cacheFinding,
  databaseFinding,
  progressFinding,
  providerFinding,
  schemaFinding,
  secretsFinding,
} from './findings.ts';
import type {Inputs} from './inputs.ts';
import {keysFinding, signingKeysNow} from './keys.ts';
import {planNow} from './plan.ts';
import {withStanding} from './standing.ts';
import {summarise} from './summary.ts';

/** The whole status of a resource: what is so, since when, what is wrong, and what to do. */
export function computeStatus(inputs: Inputs): FraiseQLAuthStatus {
  const {resource, decision, observed, plan, now} = inputs;
  const {metadata, status: before} = resource;
  const live = deploymentOf(observed, names(metadata).server);
  const rollout = assessRollout(live, observed, now);
  const {spec} = decision;
  if (spec === undefined) return invalid(inputs, rollout);

  const assessed = assess(inputs, spec, rollout);
  const {asleep, problems, all, backup} = assessed;
  const findings = findingsOf(inputs, spec, rollout, assessed);
  findings.Ready = summarise({
    problems,
    decision,
    rollout,
    onTrial: standingOf(live, decision.template, observed).onTrial,
    serving: serving(rollout, observed),
    before,
    generation: metadata.generation,
  });
  return withoutAbsent({
    observedGeneration: metadata.generation,
    ...countsNow(resource, rollout),
    version: {...versionNow(inputs), target: decision.version},
    schema: schemaNow(inputs),
    signingKeys: signingKeysNow(decision),
    endpoints: endpoints(spec),
    health: healthNow(observed, before),
    backup: backup.status,
    blockedOn: blockedOn(all, before, now),
    plan: planNow(plan, before),
    conditions: conditionsFrom(
      withStanding(findings, {
        spec,
        asleep,
        rollout,
        problems,
        missing: decision.missing,
        plan,
        metadata,
        before: before?.conditions,
      }),
      before?.conditions,
      metadata.generation,
      now,
    ),
  });
}

/** What each condition but Ready says; of certificates and the cache only where the spec has them. */
function findingsOf(
  {resource, decision, observed, schemaVersion, now}: Inputs,
  spec: ResolvedSpec,
  rollout: Rollout,
  {refused, migration, database, providers, cache, backup, certificate, proof}: Assessed,
): Partial<Record<ConditionType, Finding>> {
  const live = deploymentOf(observed, names(resource.metadata).server);
  const keysBefore = resource.status?.conditions?.find((each) => each.type === 'KeysHealthy');
  const schemaBefore = resource.status?.conditions?.find((each) => each.type === 'SchemaCurrent');
  const holdUp = [...refused, migration.database, migration.schema, migration.pod, proof];
  const findings: Partial<Record<ConditionType, Finding>> = {
    SpecValid: isTrue('Valid', 'The spec is valid'),
    SecretsResolved: secretsFinding(decision),
    DatabaseReachable: databaseFinding(database, decision, observed),
    SchemaCurrent: schemaFinding(decision, migration, schemaVersion, now, schemaBefore),
    KeysHealthy: keysFinding(
      decision,
      decision.keys?.problems ?? [],
      observed.signingKeys !== undefined,
      keysBefore,
    ),
    Progressing: progressFinding(decision, standingOf(live, decision.template, observed), rollout, holdUp),
    Available: availableFinding(rollout, observed, spec.scaling),
    ProviderReachable: providerFinding(providers, observed),
    BackupHealthy: backup.condition,
  };
  if (certificate) findings.CertificateReady = certificate.condition;
  const cacheSays = cacheFinding(cache, decision, observed);
  if (cacheSays) findings.CacheReachable = cacheSays;
  return findings;
}

/** The status of an invalid spec: what runs keeps running, and what was known about it is kept. */
function invalid(inputs: Inputs, rollout: Rollout): FraiseQLAuthStatus {
  const {resource, decision, observed, now} = inputs;
  const {metadata, status: before} = resource;
  const problems = decision.specErrors.map(({field, message}): Problem => ({
    reason: 'SpecInvalid',
    message: `${field}: ${message}`,
    hint: '',
    objectRef: {kind: resource.kind, name: metadata.name, key: cut(field, STATUS_LIMITS.name)},
  }));
  const text = decision.specErrors.map(({field, message}) => `${field}: ${message}`).join('; ');
  const goesOn = serving(rollout, observed);
  const known = (before?.conditions ?? []).filter(
    ({type}) => !['Ready', 'SpecValid', 'Available', 'Progressing', 'Approved'].includes(type),
  );
  const kept: Partial<Record<ConditionType, Finding>> = Object.fromEntries(
    known.map(({type, status, reason, message, observedGeneration}) => [
      type,
      {status, reason, message, observedGeneration},
    ]),
  );
  const backup = backupGoesOn({observed, before: before?.backup, condition: kept.BackupHealthy, now});
  const findings: Partial<Record<ConditionType, Finding>> = {
    ...kept,
    ...(backup.condition && {BackupHealthy: backup.condition}),
    SpecValid: isFalse('SpecInvalid', text),
    Available: availableFinding(rollout, observed, undefined),
    Progressing: isFalse('SpecInvalid', 'The spec is not valid, so nothing is rolled out'),
    Ready: isFalse('SpecInvalid', `The spec is not valid: ${sentence({message: text, hint: goesOn})}`),
  };
  return withoutAbsent({
    ...before,
    observedGeneration: metadata.generation,
    ...countsNow(resource, rollout),
    // A roll-out that was under way comes to its end.
    version: before?.version && {...before.version, ...versionNow(inputs)},
    health: healthNow(observed, before),
    backup: backup.status,
    plan: planNow(undefined, before),
    blockedOn: blockedOn(problems, before, now),
    conditions: conditionsFrom(findings, before?.conditions, metadata.generation, now),
  });
}

/** Says that pods still serve although something is wrong; empty if none does. */
function serving(rollout: Rollout, observed: Observed): string {
  const ready = Math.max(rollout.ready, readyPods(observed));
  if (ready === 0) return '';
  return rollout.old > 0 && rollout.newReady < rollout.desired
    ? `The previous version keeps serving (${ready} ready)`
    : `What runs keeps serving (${ready} of ${rollout.desired} pods ready)`;
}

/** Without fields that are undefined, and without empty lists: they would not be stored. */
function withoutAbsent(status: FraiseQLAuthStatus): FraiseQLAuthStatus {
  return Object.fromEntries(
    Object.entries(status).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

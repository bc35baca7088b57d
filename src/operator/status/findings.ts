import type {Scaling} from '../../api/v1alpha1/resolve.ts';
import type {Observed} from '../observed.ts';
import {sentence, withStop, type Problem} from '../problem.ts';
import type {Decision} from '../decide/decision.ts';
import {timestamp} from '../timestamp.ts';
import {isFalse, isTrue, isUnknown, type Finding} from './conditions.ts';
import {readyPods, type Rollout} from '../decide/rollout.ts';

// What each condition but Ready says.

const DATABASE = /^Database/;

/** What the migration ran into, by whom it concerns. */
export function migrationProblems(decision: Decision): {database?: Problem; schema?: Problem; pod?: Problem} {
  const {migration, spec} = decision;
  if (migration?.state === 'Running') return migration.problem ? {pod: migration.problem} : {};
  if (migration?.state !== 'Failed' || spec === undefined) return {};
  const {problem} = migration;
  if (!DATABASE.test(problem.reason)) return {schema: problem};
  const {name, key} = spec.database.urlSecretRef;
  return {
    database: {
      ...problem,
      message: `${problem.message} (Secret ${name}, key "${key}")`,
      objectRef: {apiVersion: 'v1', kind: 'Secret', name, key},
    },
  };
}

/** What keeps a change from rolling out, or made it fail. */
export function proofProblem({proof}: Decision, server: string): Problem | undefined {
  switch (proof?.state) {
    case 'Checking':
      return proof.problem;
    case 'Waiting':
      return {...proof.problem, hint: `${lead(proof.problem.hint)}${triedAgain(proof.retryAt)}`};
    case 'Refused': {
      const {refusal, next} = proof;
      const {reason, message, hint} = refusal;
      const objectRef = {apiVersion: 'apps/v1', kind: 'Deployment', name: server};
      if (next.state === 'Undoing') {
        return {reason, message: `The roll-out failed and is yet to be undone: ${message}`, hint, objectRef};
      }
      const again =
        next.state === 'Resting'
          ? `${triedAgain(next.retryAt)}, and at once when the spec or a Secret changes; another spec.restartToken tries the same at once`
          : 'It is being retried';
      return {
        reason,
        message: `${refusal.undone ? 'The roll-out failed and was undone' : 'The change is not rolled out'}: ${message}`,
        hint: `${lead(hint)}${again}`,
        objectRef,
      };
    }
    case undefined:
    case 'Roll':
    case 'Waking':
    case 'Wanted':
      return undefined;
    default:
      return proof satisfies never;
  }
}

const triedAgain = (at: number): string => `It is tried again at ${timestamp(at)}`;

/** A hint before another sentence. */
const lead = (hint: string): string => (hint === '' ? '' : `${withStop(hint)} `);

/** Of what comes only when the operator may act again. */
const PAUSED = isFalse('Paused', 'It waits until spec.management is Active');

/** SecretsResolved. */
export function secretsFinding({secrets}: Decision): Finding {
  const all = [...(secrets?.problems ?? []), ...(secrets?.backupProblems ?? [])];
  const [first] = all;
  if (first) return isFalse(first.reason, all.map(sentence).join(' '));
  return isTrue('Resolved', 'Every Secret that the spec names is there, with its keys');
}

/** DatabaseReachable. */
export function databaseFinding(
  problem: Problem | undefined,
  decision: Decision,
  observed: Observed,
): Finding {
  if (problem) return isFalse(problem.reason, sentence(problem));
  if (observed.health?.db === 'ok') return isTrue('Reachable', 'The pods reach the database');
  if (decision.migration?.state === 'Done') return isTrue('Reachable', 'The migration reached the database');
  return isUnknown('NotYetKnown', 'Nothing has connected to the database yet');
}

/** SchemaCurrent. `target` is the version that is needed, `before` what the condition said. */
export function schemaFinding(
  {migration, migrationJob, proof, spec}: Decision,
  problems: {database?: Problem; schema?: Problem; pod?: Problem},
  target: string,
  now: number,
  before: Finding | undefined,
): Finding {
  switch (migration?.state) {
    case undefined:
      // What has not proven itself asks nothing of the schema yet.
      if (proof !== undefined && before !== undefined) return before;
      // What was brought is there, also while nobody can say what is needed.
      if (before?.status === 'True') return isTrue(before.reason, before.message);
      return isUnknown('NotYetKnown', 'The migration has not been started yet');
    case 'Done':
      return isTrue('Current', `The schema is at version ${migration.schema}`);
    case 'Wanted':
      if (spec?.management === 'Paused') return PAUSED;
      return isFalse('Migrating', `Migration Job ${migrationJob ?? ''} is being started`);
    case 'Running':
      return problems.pod
        ? isFalse('Migrating', sentence(problems.pod))
        : isFalse(
            'Migrating',
            `Migration Job ${migrationJob ?? ''} brings the schema to ${spec?.image === undefined ? `version ${target}` : 'the version that the image needs'}`,
          );
    case 'Failed': {
      const problem = problems.schema ?? problems.database;
      const again = `Attempt ${migration.attempt} failed; the next is made at ${timestamp(Math.max(now, migration.retryAt))}, or at once when the Secret or the spec changes`;
      return isFalse(problem?.reason ?? 'MigrationFailed', problem ? `${sentence(problem)} ${again}` : again);
    }
    default:
      return migration satisfies never;
  }
}

/**
 * Progressing. `given`: the Deployment has the template that the spec asks for; `onTrial`: that has yet to run everywhere.
 * `problems` keep the spec from being rolled out; the first is told.
 */
export function progressFinding(
  {secrets, proof, checkJob, migration, migrationJob, spec}: Decision,
  {given, onTrial}: {readonly given: boolean; readonly onTrial: boolean},
  rollout: Rollout,
  problems: readonly (Problem | undefined)[],
): Finding {
  const first = [...(secrets?.problems ?? []), ...problems].find((each) => each !== undefined);
  if (first) {
    const undone = proof?.state === 'Refused' && proof.refusal.undone && proof.next.state !== 'Undoing';
    return isFalse(undone ? 'RolledBack' : first.reason, `The spec is not rolled out. ${sentence(first)}`);
  }
  if (spec?.management === 'Paused' && !given) return PAUSED;
  if (proof?.state === 'Wanted' || proof?.state === 'Checking') {
    return isTrue('Checking', `The change rolls out once Job ${checkJob ?? ''} has checked it`);
  }
  if (proof?.state === 'Waking' && rollout.state !== 'Stuck') {
    const ready = `${rollout.ready} of ${rollout.desired} pods are ready`;
    return isTrue('RollingOut', `The change rolls out once what ran before serves again: ${ready}`);
  }
  if (migration !== undefined && migration.state !== 'Done') {
    if (spec?.management === 'Paused') return PAUSED;
    return isTrue('Migrating', `The change rolls out once migration Job ${migrationJob ?? ''} has succeeded`);
  }
  if (onTrial && rollout.desired === 0) return isFalse('ScaledToZero', scaledToZero(spec?.scaling, onTrial));
  switch (rollout.state) {
    case 'NotDeployed':
      return isFalse('NotDeployed', 'Nothing is rolled out yet');
    case 'Complete':
      return isTrue('RolledOut', 'The newest version and configuration run in every pod');
    case 'InProgress':
      return isTrue('RollingOut', `${rollout.newReady} of ${rollout.desired} new pods are ready`);
    case 'Stuck':
      return isFalse(
        rollout.problem?.reason ?? 'ProgressDeadlineExceeded',
        rollout.problem ? sentence(rollout.problem) : '',
      );
    default:
      return rollout.state satisfies never;
  }
}

/**
 * Why no pods are wanted, and what brings them back; `scaling` is undefined where the spec is not valid. `onTrial`: it is
 * so in the midst of a roll-out.
 */
export function scaledToZero(scaling: Scaling | undefined, onTrial = false): string {
  // Without pods any template counts as rolled out.
  const trial = onTrial ? ' What is rolled out has not proven itself: it has yet to run in every pod.' : '';
  return `${whyZero(scaling)}${trial}`;
}

function whyZero(scaling: Scaling | undefined): string {
  if (scaling?.kind === 'Fixed' && scaling.replicas === 0)
    return 'spec.replicas is 0, so no pods run. Set it to 1 or more.';
  const somebody = 'Somebody scaled the Deployment to 0, so no pods run';
  switch (scaling?.kind) {
    case undefined:
      return `${somebody}.`;
    case 'Fixed':
      return `${somebody}. It comes back to spec.replicas, which is ${scaling.replicas}.`;
    case 'Automatic':
      return `${somebody}, and its autoscaler rests. It comes back to spec.autoscaling.minReplicas, which is ${scaling.minReplicas}.`;
    default:
      return scaling satisfies never;
  }
}

/** Available; `scaling` is undefined where the spec is not valid. */
export function availableFinding(
  rollout: Rollout,
  observed: Observed,
  scaling: Scaling | undefined,
): Finding {
  if (rollout.state === 'NotDeployed') return isFalse('NotDeployed', 'There is no Deployment yet');
  if (rollout.desired === 0) return isFalse('ScaledToZero', scaledToZero(scaling));
  const ready = Math.max(rollout.ready, readyPods(observed));
  if (ready === 0) return isFalse('NoReplicaReady', `None of ${rollout.desired} pods is ready`);
  return isTrue('Available', ready >= rollout.desired ? 'Every pod is ready' : 'Pods are ready and serve');
}

/** Undefined where the spec has no cache. */
export function cacheFinding(
  problem: Problem | undefined,
  {spec}: Decision,
  observed: Observed,
): Finding | undefined {
  if (spec?.cache === undefined) return undefined;
  if (problem) return isFalse(problem.reason, sentence(problem));
  if (observed.health?.cache === 'ok') return isTrue('Reachable', 'The pods reach Redis');
  return isUnknown('NotYetKnown', 'No pod has been asked yet');
}

/** ProviderReachable. */
export function providerFinding(problems: readonly Problem[], observed: Observed): Finding {
  const [first] = problems;
  if (first) return isFalse(first.reason, problems.map(sentence).join(' '));
  if (observed.health?.oauthProvider === 'ok') return isTrue('Reachable', 'Every identity provider answers');
  return isUnknown('NotYetKnown', 'No pod has been asked yet');
}

import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Rollout} from '../decide/rollout.ts';
import {names} from '../desired/names.ts';
import {cronJobOf, deploymentOf} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {isAsleep} from './asleep.ts';
import {assessBackup} from './backup.ts';
import {distinct} from './blocked-on.ts';
import {assessCertificate} from './certificate.ts';
import {cacheProblem, databaseProblem, providerProblems} from './dependencies.ts';
import {migrationProblems, proofProblem} from './findings.ts';
import type {Inputs} from './inputs.ts';
import {planProblem} from './plan.ts';

/** Kinds of children without one of which nobody is served, or not for long. */
const SERVING: ReadonlySet<string | undefined> = new Set(['Deployment', 'Secret', 'Service']);

/** Whether a problem is one of the objects that make backups: what those lack keeps nobody from logging in. */
function isOfBackup({objectRef}: Problem, backup: string): boolean {
  return objectRef?.name === backup && (objectRef.kind === 'CronJob' || objectRef.kind === 'ServiceAccount');
}

/** How the parts of a resource with a valid spec are, and what is wrong with it. */
export interface Assessed {
  readonly asleep: boolean;
  /** What was refused, but for what concerns backups alone. */
  readonly refused: readonly Problem[];
  readonly migration: ReturnType<typeof migrationProblems>;
  readonly database: Problem | undefined;
  readonly providers: readonly Problem[];
  readonly cache: Problem | undefined;
  readonly backup: ReturnType<typeof assessBackup>;
  readonly certificate: ReturnType<typeof assessCertificate>;
  readonly proof: Problem | undefined;
  /** What keeps it from being ready, in the order in which a person should look at it: the first is what Ready speaks of. */
  readonly problems: readonly Problem[];
  /** These, and what it can be ready with. */
  readonly all: readonly Problem[];
}

/** Judges each part by what was decided and seen. */
export function assess(inputs: Inputs, spec: ResolvedSpec, rollout: Rollout): Assessed {
  const {resource, decision, observed, now} = inputs;
  const {metadata, status: before} = resource;
  const asleep = isAsleep(inputs, spec, rollout);
  const migration = migrationProblems(decision);
  const {server, backup} = names(metadata);
  const refused = inputs.refused.filter((each) => !isOfBackup(each, backup));
  const backupProblems = [
    ...(decision.secrets?.backupProblems ?? []),
    ...[...inputs.refused, ...decision.missing].filter((each) => isOfBackup(each, backup)),
  ];
  const parts = {
    asleep,
    refused,
    migration,
    database: migration.database ?? databaseProblem(observed.health, spec),
    providers: providerProblems(observed.health, spec, {kind: resource.kind, name: metadata.name}),
    cache: asleep ? undefined : cacheProblem(observed.health, spec),
    backup: assessBackup({
      backup: spec.backup,
      asleep,
      conditionBefore: before?.conditions?.find((each) => each.type === 'BackupHealthy'),
      cronJob: cronJobOf(observed, backup),
      deployed: deploymentOf(observed, server)?.metadata.creationTimestamp,
      observed,
      before: before?.backup,
      problems: backupProblems,
      now,
    }),
    certificate: assessCertificate(spec, observed, decision.secrets?.problems ?? [], now),
    proof: proofProblem(decision, server),
  };
  const problems = distinct(asleep ? refused : serious(decision, rollout, parts));
  const all = distinct(
    present([
      ...problems,
      parts.certificate?.problem,
      parts.cache,
      ...(decision.keys?.problems ?? []),
      ...decision.missing,
      ...backupProblems,
      planProblem(inputs.plan, metadata),
    ]),
  );
  return {...parts, problems, all};
}

function serious(
  decision: Inputs['decision'],
  rollout: Rollout,
  {refused, migration, database, providers, certificate, proof}: Omit<Assessed, 'problems' | 'all'>,
): readonly Problem[] {
  return present([
    ...(decision.secrets?.problems ?? []),
    ...decision.missing.filter(({objectRef}) => SERVING.has(objectRef?.kind)),
    ...refused,
    certificate?.now === true ? certificate.problem : undefined,
    database,
    migration.schema,
    migration.pod,
    proof,
    ...(decision.keys?.active === undefined ? (decision.keys?.problems ?? []) : []),
    // Pods that are taken back may still be there.
    rollout.problem?.reason === proof?.reason ? undefined : rollout.problem,
    ...providers,
  ]);
}

const present = (problems: readonly (Problem | undefined)[]): readonly Problem[] =>
  problems.filter((each) => each !== undefined);

import type {ConditionType} from '../../api/v1alpha1/conditions.ts';
import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import {APPROVE, planStatus, type Standing} from '../plan/approval.ts';
import type {Change} from '../plan/change.ts';
import {sentence, type Problem} from '../problem.ts';
import {isFalse, isTrue, type Finding} from './conditions.ts';
import type {Rollout} from '../decide/rollout.ts';

type Findings = Partial<Record<ConditionType, Finding>>;
export interface Named {
  readonly name: string;
  readonly namespace: string;
}

/** Changes that a message names; of more it says how many. */
const MAX_NAMED = 6;

/** Whether a change of that kind, or of that very object, waits to be let through; one of notes alone is none. */
export function isPending(plan: Standing | undefined, kind: string, name?: string): boolean {
  const is = (each: Change): boolean => each.kind === kind && (name === undefined || each.name === name);
  return (
    plan?.pending.some((each) => is(each) && (each.verb !== 'Update' || each.why === undefined)) === true
  );
}

/** `status.plan`. What was let through last is remembered whatever `management` is: its hash must not count again. */
export function planNow(
  plan: Standing | undefined,
  before: FraiseQLAuthStatus | undefined,
): FraiseQLAuthStatus['plan'] {
  if (plan !== undefined) return planStatus(plan);
  const last = before?.plan?.approved;
  return last && {approved: {hash: last.hash}};
}

/** A plan that waits, for `status.blockedOn`. */
export function planProblem(plan: Standing | undefined, of: Named): Problem | undefined {
  if (plan?.hash === undefined) return undefined;
  return {reason: reasonOf(plan), message: waits(plan), hint: remedy(plan, of)};
}

/** What the conditions say where the operator asks before it does anything. */
export function withPlan(
  findings: Findings,
  {
    plan,
    rollout,
    problems: [problem],
    metadata,
    before,
  }: {
    /** Undefined where nothing could be planned. */
    readonly plan: Standing | undefined;
    readonly rollout: Rollout;
    readonly problems: readonly Problem[];
    readonly metadata: Named;
    readonly before: readonly Condition[] | undefined;
  },
): Findings {
  const keys = findings.KeysHealthy;
  const held: Findings =
    keys?.status === 'True'
      ? {
          ...findings,
          KeysHealthy: isTrue(keys.reason, `${keys.message}. No key rotates while spec.management is Plan`),
        }
      : findings;
  const told = before?.find(({type}) => type === 'Approved');
  if (plan === undefined) return {...held, ...(told && {Approved: told})};
  if (plan.hash === undefined) return {...held, Approved: approved(plan)};
  const what = `${waits(plan)}. ${remedy(plan, metadata)}`;
  const serves = rollout.state === 'Complete' && rollout.desired > 0;
  const runs = `${rollout.ready} of ${rollout.desired} pods are ready`;
  return {
    ...held,
    ...progress(plan, findings),
    Ready: problem
      ? isFalse(problem.reason, `${sentence(problem)} ${what}`)
      : {
          status: serves ? 'True' : 'False',
          reason: 'PlanPending',
          message: `${what}. ${serves ? 'What runs keeps serving: ' : ''}${runs}`,
        },
    Approved: isFalse(reasonOf(plan), what),
  };
}

function approved(plan: Standing | undefined): Finding {
  const left = plan?.approved?.changes ?? [];
  if (left.length === 0) return isTrue('NothingPlanned', 'There is nothing to change');
  return isTrue(
    'PlanApproved',
    `Plan ${plan?.approved?.hash ?? ''} was approved and is being carried out: ${named(left)}`,
  );
}

/** Nothing is on its way that nobody has let through. */
function progress(plan: Standing, {Progressing: moving, SchemaCurrent: schema}: Findings): Findings {
  const wait = isFalse('PlanPending', `It waits until plan ${plan.hash ?? ''} is approved`);
  const job = schema?.reason === 'Migrating' && plan.pending.some(({verb}) => verb === 'Run');
  return {
    ...(moving?.status === 'True' && isPending(plan, 'Deployment') && {Progressing: wait}),
    ...(moving?.reason === 'NotDeployed' && {Progressing: wait}),
    ...(job && {SchemaCurrent: wait}),
  };
}

function reasonOf({stale}: Standing): 'PlanPending' | 'PlanChanged' {
  return stale === undefined ? 'PlanPending' : 'PlanChanged';
}

function waits({pending, stale}: Standing): string {
  const changes = `${pending.length} ${pending.length === 1 ? 'change waits' : 'changes wait'} for approval: ${named(pending)}`;
  return stale === undefined
    ? changes
    : `The annotation names plan ${stale}, which is not the current plan, so nothing was done. ${changes}`;
}

function remedy({hash}: Standing, {name, namespace}: Named): string {
  return `See status.plan, then: kubectl annotate fqa ${name} -n ${namespace} --overwrite ${APPROVE}=${hash ?? ''}`;
}

function named(changes: readonly {verb: string; kind: string; name: string}[]): string {
  const more = changes.length - MAX_NAMED;
  const first = changes.slice(0, MAX_NAMED).map(({verb, kind, name}) => `${verb} ${kind} ${name}`);
  return `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

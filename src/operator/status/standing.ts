import type {ConditionType} from '../../api/v1alpha1/conditions.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import {sentence, type Problem} from '../problem.ts';
import type {Standing} from '../plan/approval.ts';
import {isFalse, isTrue, isUnknown, type Finding} from './conditions.ts';
import {withPlan, type Named} from './plan.ts';
import type {Rollout} from '../decide/rollout.ts';

type Findings = Partial<Record<ConditionType, Finding>>;

/**
 * What the conditions say where a person has put the service to sleep, or has told the operator to keep its hands off, or
 * to ask before it does anything: then nothing is wrong that is not as the spec says.
 */
export function withStanding(
  findings: Findings,
  {
    spec,
    asleep,
    rollout,
    problems,
    missing,
    plan,
    metadata,
    before,
  }: {
    readonly spec: ResolvedSpec;
    /** See `isAsleep`. */
    readonly asleep: boolean;
    readonly rollout: Rollout;
    readonly problems: readonly Problem[];
    /** Children that are missed, and may not be made. */
    readonly missing: readonly Problem[];
    readonly plan: Standing | undefined;
    readonly metadata: Named;
    readonly before: readonly Condition[] | undefined;
  },
): Findings {
  const said = asleep ? sleeping(findings, rollout, problems, before) : findings;
  switch (spec.management) {
    case 'Active':
      return said;
    case 'Paused':
      return paused(said, rollout, problems, missing);
    case 'Plan':
      return withPlan(said, {plan, rollout, problems, metadata, before});
    default:
      return spec.management satisfies never;
  }
}

function sleeping(
  findings: Findings,
  rollout: Rollout,
  [problem]: readonly Problem[],
  before: readonly Condition[] | undefined,
): Findings {
  const asleep = isUnknown('Hibernated', 'The service is hibernated: no pod can be asked');
  const ending = rollout.replicas > 0 ? `; ${rollout.replicas} pods are still ending` : '';
  return {
    ...findings,
    DatabaseReachable: asleep,
    ProviderReachable: asleep,
    ...(findings.CacheReachable && {CacheReachable: asleep}),
    SchemaCurrent: before?.find((each) => each.type === 'SchemaCurrent') ?? asleep,
    Progressing: isUnknown(
      'Hibernated',
      'The service is hibernated: changes roll out when it is set to Running again',
    ),
    // What keeps them from being ended is told; until then they serve.
    ...(rollout.desired === 0 && {
      Available: isFalse('Hibernated', 'spec.runState is Hibernated: no pods run'),
    }),
    Ready: problem
      ? isFalse(problem.reason, sentence(problem))
      : isFalse(
          'Hibernated',
          `spec.runState is Hibernated: no pods run and no backups are made${ending}. Set it to Running to serve again`,
        ),
  };
}

function paused(
  findings: Findings,
  rollout: Rollout,
  problems: readonly Problem[],
  missing: readonly Problem[],
): Findings {
  const held = 'spec.management is Paused: nothing is changed, whatever the spec says now';
  const [problem] = problems;
  const serves = rollout.state === 'Complete' && rollout.desired > 0;
  const pods = problem ? sentence(problem) : `${rollout.ready} of ${rollout.desired} pods are ready.`;
  const others = missing.filter(({message}) => message !== problem?.message);
  const seen = [pods, ...others.map(sentence)].join(' ');
  const message = `${held}. ${seen} Set it to Active to go on`;
  return {
    ...findings,
    Ready: serves && problem === undefined ? isTrue('Paused', message) : isFalse('Paused', message),
    Paused: isTrue('Paused', held),
  };
}

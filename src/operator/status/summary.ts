import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {sentence, withStop, type Problem} from '../problem.ts';
import type {Decision} from '../decide/decision.ts';
import {isFalse, isTrue, type Finding} from './conditions.ts';
import {readyOf} from './ready.ts';
import {scaledToZero} from './findings.ts';
import type {Rollout} from '../decide/rollout.ts';

/**
 * Ready: whether the service is as the spec says and serves. Its reason is the first problem's, its message is readable
 * on its own: what is wrong, what to do, and what serves meanwhile.
 */
export function summarise(input: {
  readonly problems: readonly Problem[];
  readonly decision: Decision;
  readonly rollout: Rollout;
  /** What the spec asks for is rolled out, and has yet to run everywhere. */
  readonly onTrial: boolean;
  /** What serves in spite of a problem; empty where nothing does. */
  readonly serving: string;
  readonly before: FraiseQLAuthStatus | undefined;
  readonly generation: number;
}): Finding {
  const {problems, decision, rollout, onTrial, serving, before, generation} = input;
  const [first, ...others] = problems;
  if (first) {
    const more = others.length > 0 ? `${others.length} more in status.blockedOn` : '';
    const parts = [sentence(first), withStop(serving), withStop(more)];
    return isFalse(first.reason, parts.filter((part) => part !== '').join(' '));
  }
  const also = serving === '' ? '' : ` ${withStop(serving)}`;
  if (decision.keys?.active === undefined)
    return isFalse('Reconciling', `The signing key is being created.${also}`);
  if (decision.proof?.state === 'Wanted' || decision.proof?.state === 'Checking') {
    return isFalse(
      'RollingOut',
      `Job ${decision.checkJob ?? ''} is checking the change, which rolls out once the check has succeeded.${also}`,
    );
  }
  if (decision.proof?.state === 'Waking') {
    return isFalse(
      'RollingOut',
      `The service wakes with what ran before, and the change rolls out once that serves: ${rollout.ready} of ${rollout.desired} pods are ready.`,
    );
  }
  if (decision.migration?.state !== 'Done') {
    return isFalse(
      'Migrating',
      `Migration Job ${decision.migrationJob ?? ''} is bringing the database's schema up to date; the new version rolls out once it has succeeded.${also}`,
    );
  }
  if (rollout.state === 'NotDeployed') return isFalse('Reconciling', 'The Deployment is being created.');
  if (rollout.desired === 0) return isFalse('ScaledToZero', scaledToZero(decision.spec?.scaling, onTrial));
  if (rollout.state === 'Complete') {
    return isTrue(
      'Ready',
      `Version ${decision.version} serves with ${rollout.newReady} of ${rollout.desired} pods ready`,
    );
  }
  // More pods of the version that runs already, or one that comes back, is no change of what serves.
  const was = readyOf(before);
  const grows = rollout.old === 0 && rollout.newReady > 0;
  if (grows && was?.status === 'True' && was.observedGeneration === generation) {
    return isTrue('Ready', was.message);
  }
  return isFalse(
    'RollingOut',
    `${rollout.newReady} of ${rollout.desired} pods of version ${decision.version} are ready.${also}`,
  );
}

import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {STATUS_LIMITS} from '../../api/v1alpha1/status.ts';
import type {Problem} from '../problem.ts';
import {timestamp} from '../timestamp.ts';
import {cut} from './conditions.ts';

/** Problems as a status tells them: each since it was first told. */
export function blockedOn(
  problems: readonly Problem[],
  before: FraiseQLAuthStatus | undefined,
  now: number,
): FraiseQLAuthStatus['blockedOn'] {
  return problems.slice(0, STATUS_LIMITS.blockedOn).map(({reason, message, hint, objectRef}) => {
    const known = before?.blockedOn?.find(
      (each) =>
        each.reason === reason &&
        each.objectRef?.kind === objectRef?.kind &&
        each.objectRef?.name === objectRef?.name &&
        each.objectRef?.key === objectRef?.key,
    );
    return {
      reason,
      message: cut(message, 2000),
      ...(hint !== '' && {hint: cut(hint, 2000)}),
      ...(objectRef && {objectRef}),
      since: known?.since ?? timestamp(now),
    };
  });
}

/** Each that is told once, however many found it. */
export function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((each) => [`${each.reason} ${each.message}`, each]));
  return [...seen.values()];
}

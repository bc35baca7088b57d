import {OTHER_SPELLING} from './fields.ts';
import {celString} from './rules.ts';

// The public URL is the issuer of access tokens. Where it becomes another, those of the old one are refused, unless the
// old one stays listed.

/** The field that is at fault. */
export const MOVED_FIELD = 'spec.publicURL';

const WHY =
  'spec.publicURL cannot move while the old address is not in spec.previousIssuers, for every access token would be refused at once:';

/** For the API server, which knows the spec before. */
export const MOVE_RULE = {
  // An old one whose spelling is not allowed any more cannot be listed; its tokens have the one that is.
  rule: `self.publicURL == oldSelf.publicURL || (has(self.previousIssuers) && oldSelf.publicURL in self.previousIssuers) || oldSelf.publicURL.matches(${celString(OTHER_SPELLING.source)})`,
  message: `${WHY} add the old address to spec.previousIssuers, or write it here again`,
  messageExpression: `${celString(`${WHY} add `)} + oldSelf.publicURL + ' to spec.previousIssuers, or write it here again'`,
  fieldPath: '.publicURL',
} as const;

/** The same for the reconciler, by the issuer that was told of last: an older definition may have let the move in. */
export function moveProblem(
  told: string,
  spec: {readonly publicURL: string; readonly previousIssuers: readonly string[]},
): string | undefined {
  const old = URL.parse(told)?.origin ?? told;
  if (old === spec.publicURL || spec.previousIssuers.includes(old)) return undefined;
  return `${WHY} add ${old} to spec.previousIssuers, or write it here again`;
}

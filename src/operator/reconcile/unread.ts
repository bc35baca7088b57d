import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {names} from '../desired/names.ts';
import type {Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {computeStatus} from '../status/status.ts';
import {decide, type Settings} from '../decide/decide.ts';
import {keysIn} from '../key-view.ts';

/** The status where the Secrets in the resource's namespace may not be read: what is known without them, and why. */
export function statusUnread(
  resource: FraiseQLAuth,
  error: unknown,
  seen: Pick<Observed, 'children' | 'pods' | 'replicaSets'>,
  settings: Settings,
  now: number,
): FraiseQLAuthStatus {
  const {name, namespace} = resource.metadata;
  const problem: Problem = {
    reason: 'SecretsForbidden',
    message: `The operator cannot read Secrets in namespace ${namespace}: ${error instanceof Error ? error.message : ''}`,
    hint: "Give the operator's ServiceAccount the right to get, list and watch Secrets there",
    objectRef: {kind: 'Namespace', name: namespace},
  };
  const observed: Observed = {
    ...seen,
    secrets: new Map(),
    signingKeys: keysIn(seen.children.get(`Secret/${names({name}).signingKeys}`)),
    logLines: new Map(),
    firstSeen: new Map(),
    monotonic: 0,
    health: undefined,
  };
  const decision = decide(resource, observed, now, settings);
  const blind = {...decision, secrets: decision.secrets && {...decision.secrets, problems: [problem]}};
  const status = computeStatus({
    resource,
    decision: blind,
    observed,
    refused: [],
    schemaVersion: settings.schemaVersion,
    now,
  });
  // Nothing could be planned; what was let through stays so.
  const plan = resource.status?.plan;
  return {...resource.status, ...status, ...(plan && {plan})};
}

import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import {cut} from './conditions.ts';

/** An event that a change of status is worth. */
export interface StatusEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Conditions whose fall is told by an event of its own, beside Ready's. */
const TOLD: readonly string[] = ['BackupHealthy', 'KeysHealthy', 'CertificateReady', 'CacheReachable'];

/** What became different, as events; none where nothing of note did. */
export function transitions(
  before: FraiseQLAuthStatus | undefined,
  after: FraiseQLAuthStatus,
): StatusEvent[] {
  const events: StatusEvent[] = [];
  const [was, is] = [condition(before, 'Ready'), condition(after, 'Ready')];
  // A plan that waits has an event of its own.
  if (is && is.reason !== 'PlanPending' && (was?.status !== is.status || was.reason !== is.reason)) {
    const progress =
      is.status === 'True' ||
      ['Migrating', 'RollingOut', 'Reconciling', 'ScaledToZero', 'Hibernated', 'Paused'].includes(is.reason);
    events.push({type: progress ? 'Normal' : 'Warning', reason: is.reason, message: is.message});
  }
  events.push(...planEvents(before, after));
  const [moved, moves] = [condition(before, 'Progressing'), condition(after, 'Progressing')];
  if (moves?.reason === 'RolledBack' && moved?.reason !== 'RolledBack') {
    events.push({type: 'Warning', reason: moves.reason, message: moves.message});
  }
  for (const type of TOLD) {
    const [old, now] = [condition(before, type), condition(after, type)];
    if (now === undefined || (old?.status === now.status && old.reason === now.reason)) continue;
    if (now.status === 'False' || now.reason === 'RetirementIgnored')
      events.push({type: 'Warning', reason: now.reason, message: now.message});
    else if (now.status === 'True' && old?.status === 'False') {
      events.push({type: 'Normal', reason: now.reason, message: now.message});
    }
  }
  if (after.backup?.lastSuccess !== undefined && after.backup.lastSuccess !== before?.backup?.lastSuccess) {
    const where = after.backup.lastLocation ? `: ${after.backup.lastLocation}` : '';
    events.push({
      type: 'Normal',
      reason: 'BackupSucceeded',
      message: `Backup done at ${after.backup.lastSuccess}${where}`,
    });
  }
  if (after.schema?.current !== undefined && after.schema.current !== before?.schema?.current) {
    events.push({
      type: 'Normal',
      reason: 'Migrated',
      message: `The database's schema is at version ${after.schema.current}`,
    });
  }
  return events;
}

/** A plan that stands, one that was let through, and a hash that is not, or no longer, the plan's. */
function planEvents(before: FraiseQLAuthStatus | undefined, after: FraiseQLAuthStatus): StatusEvent[] {
  const approved = after.plan?.approved;
  if (approved !== undefined && approved.hash !== before?.plan?.approved?.hash) {
    const changes = (approved.changes ?? []).map(({verb, kind, name}) => `${verb} ${kind} ${name}`);
    const message = `Plan ${approved.hash} was approved: ${changes.join(', ')}`;
    return [{type: 'Normal', reason: 'PlanApproved', message: cut(message, 1000)}];
  }
  const [was, is] = [condition(before, 'Approved'), condition(after, 'Approved')];
  if (is?.status !== 'False' || (was?.reason === is.reason && was.message === is.message)) return [];
  return [{type: is.reason === 'PlanChanged' ? 'Warning' : 'Normal', reason: is.reason, message: is.message}];
}

function condition(status: FraiseQLAuthStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((each) => each.type === type);
}

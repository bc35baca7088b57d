/**
 * The conditions of a FraiseQLAuth and the reasons they may have. A reason is part of the API: people alert on it.
 * Each condition is True when all is well.
 */
export const CONDITIONS = {
  /** The summary, written last: the service is up to date and serves. Besides these, the reason of what blocks it. */
  Ready: ['Ready', 'Reconciling', 'Migrating', 'RollingOut', 'ScaledToZero', 'SpecInvalid', 'PodFailed'],
  /** Enough pods answer. */
  Available: ['Available', 'NoReplicaReady', 'TooFewReplicas', 'NotDeployed', 'ScaledToZero'],
  /** The newest version and configuration run everywhere. True when the roll-out is done. */
  Progressing: [
    'RolledOut',
    'RollingOut',
    'NotDeployed',
    'ProgressDeadlineExceeded',
    'ImagePullFailed',
    'ContainerCrashing',
    'ContainerConfigInvalid',
    'Unschedulable',
    'SpecInvalid',
    'PodNotReady',
    'PodPending',
    'PodFailed',
    'ObjectRefused',
    'ObjectNotOurs',
  ],
  /** The spec makes sense, also where the resource definition cannot see it. */
  SpecValid: ['Valid', 'Invalid'],
  /** Every Secret that the spec names is there, with its keys. */
  SecretsResolved: [
    'Resolved',
    'SecretNotFound',
    'SecretKeyNotFound',
    'SecretValueInvalid',
    'SecretsForbidden',
  ],
  /** The database answers this service. */
  DatabaseReachable: [
    'Reachable',
    'NotYetKnown',
    'DatabaseUnreachable',
    'DatabaseAuthenticationFailed',
    'DatabaseNotFound',
    'DatabasePermissionDenied',
    'DatabaseURLInvalid',
    'SchemaMissing',
  ],
  /** The schema is the one that the version needs. */
  SchemaCurrent: [
    'Current',
    'NotYetKnown',
    'Migrating',
    'MigrationFailed',
    'MigrationTimedOut',
    'SchemaNewer',
  ],
  /** Every provider answers. */
  ProviderReachable: ['Reachable', 'NotYetKnown', 'ProviderUnreachable', 'ProviderInvalid'],
  /** There is a key to sign with. */
  KeysHealthy: ['Healthy', 'NotYetKnown', 'KeyMissing', 'KeyInvalid'],
  /** The last backup succeeded. Never makes Ready false. */
  BackupHealthy: ['Succeeded', 'WaitingForFirst', 'Failed', 'Running', 'Suspended', 'Disabled', 'Overdue'],
} as const;

export type ConditionType = keyof typeof CONDITIONS;
export type ConditionReason<T extends ConditionType = ConditionType> = (typeof CONDITIONS)[T][number];

/** In the order in which a person wants to read them. */
export const CONDITION_TYPES = Object.keys(CONDITIONS) as ConditionType[];

/** What it means that a condition is True, for the reference page. */
export const CONDITION_MEANINGS: Readonly<Record<ConditionType, string>> = {
  Ready: 'All is as the spec says, and people can log in. The summary of the others, written last.',
  Available: 'Enough pods answer.',
  Progressing: 'The newest version and configuration run everywhere.',
  SpecValid: 'The spec makes sense, also where the resource definition cannot see it.',
  SecretsResolved: 'Every Secret that the spec names is there, with its keys.',
  DatabaseReachable: 'The database answers this service.',
  SchemaCurrent: 'The schema of the database is the one that the version needs.',
  ProviderReachable: 'Every identity provider answers.',
  KeysHealthy: 'There is a key to sign tokens with.',
  BackupHealthy: 'The last backup succeeded. It never makes Ready false.',
};

/** A condition of a FraiseQLAuth: when it is True, and the reasons that it may have. */
interface Meaning {
  /** What it says when it is True. */
  readonly trueWhen: string;
  /** A reason is part of the API: people alert on it. */
  readonly reasons: readonly string[];
}

/** In the order in which a person wants to read them. All is well when each but Paused is True. */
export const CONDITIONS = {
  Ready: {
    trueWhen:
      'Everything is as the spec says, and people can log in. The summary of all the others; besides its own reasons it can have the reason of the first entry in `status.blockedOn`.',
    reasons: [
      'Ready',
      'Reconciling',
      'Migrating',
      'RollingOut',
      'ScaledToZero',
      'Hibernated',
      'Paused',
      'PlanPending',
      'SpecInvalid',
      'APIServerError',
      'OperatorError',
    ],
  },
  Available: {
    trueWhen: 'At least one pod is ready.',
    reasons: ['Available', 'NoReplicaReady', 'NotDeployed', 'ScaledToZero', 'Hibernated', 'SpecInvalid'],
  },
  Progressing: {
    trueWhen:
      'The newest version and configuration run in every pod, or are rolling out without being stuck. Where something holds up the roll-out (a Secret, a check, a migration), the reason is that of the obstacle.',
    reasons: [
      'RolledOut',
      'RollingOut',
      'Checking',
      'Migrating',
      'RolledBack',
      'Paused',
      'PlanPending',
      'CheckFailed',
      'ConfigurationInvalid',
      'ProviderInvalid',
      'ProviderUnreachable',
      'NotDeployed',
      'ScaledToZero',
      'Hibernated',
      'SpecInvalid',
      'ProgressDeadlineExceeded',
      'ImagePullFailed',
      'ContainerCrashing',
      'ContainerConfigInvalid',
      'Unschedulable',
      'PodNotReady',
      'PodPending',
      'PodFailed',
      'PodNotCreated',
      'JobSuspended',
      'ObjectRefused',
      'ObjectNotOurs',
      'ChildContested',
      'APIServerError',
    ],
  },
  SpecValid: {
    trueWhen: 'The spec is valid, including what the resource definition cannot check.',
    reasons: ['Valid', 'SpecInvalid'],
  },
  SecretsResolved: {
    trueWhen: 'Every Secret that the spec names is there, with its keys.',
    reasons: [
      'Resolved',
      'SecretNotFound',
      'SecretKeyNotFound',
      'SecretValueInvalid',
      'CertificateInvalid',
      'SecretsForbidden',
    ],
  },
  DatabaseReachable: {
    trueWhen: 'The service can connect to its database.',
    reasons: [
      'Reachable',
      'NotYetKnown',
      'Hibernated',
      'DatabaseUnreachable',
      'DatabaseAuthenticationFailed',
      'DatabaseNotFound',
      'DatabasePermissionDenied',
      'DatabaseURLInvalid',
      'SchemaMissing',
      'SchemaOutdated',
    ],
  },
  SchemaCurrent: {
    trueWhen: 'The schema of the database is the one that the version needs.',
    reasons: [
      'Current',
      'NotYetKnown',
      'Hibernated',
      'Migrating',
      'Paused',
      'PlanPending',
      'MigrationFailed',
      'MigrationTimedOut',
      'PodNotCreated',
      'TableLocked',
      'StatementTimedOut',
    ],
  },
  ProviderReachable: {
    trueWhen: 'Every identity provider answers.',
    reasons: ['Reachable', 'NotYetKnown', 'Hibernated', 'ProviderUnreachable', 'ProviderInvalid'],
  },
  CertificateReady: {
    trueWhen:
      'The pods serve the certificate of `spec.tls.inPod`, and it does not expire soon. Present only with `spec.tls`.',
    reasons: [
      'Served',
      'NotYetKnown',
      'Renewing',
      'ExpiresSoon',
      'CertificateExpired',
      'CertificateNotYetValid',
      'CertificateInvalid',
      'SecretNotFound',
      'SecretKeyNotFound',
      'SecretValueInvalid',
    ],
  },
  CacheReachable: {
    trueWhen:
      'The Redis of `spec.cache` answers. It never makes Ready false, since nothing depends on it. Present only with `spec.cache`.',
    reasons: [
      'Reachable',
      'NotYetKnown',
      'Hibernated',
      'CacheUnreachable',
      'CacheAuthenticationFailed',
      'CachePermissionDenied',
      'CacheRefusesWrites',
    ],
  },
  KeysHealthy: {
    trueWhen: 'There is a key to sign tokens with, and no pod lags behind in a key rotation.',
    reasons: [
      'Healthy',
      'Rotating',
      'RetirementIgnored',
      'NotYetKnown',
      'KeyMissing',
      'KeyInvalid',
      'KeyNotServed',
    ],
  },
  BackupHealthy: {
    trueWhen: 'The last backup succeeded. It never makes Ready false.',
    reasons: [
      'Succeeded',
      'WaitingForFirst',
      'Failed',
      'Suspended',
      'Disabled',
      'Overdue',
      'ClaimNotFound',
      'ObjectRefused',
      'ObjectNotOurs',
      'ChildContested',
      'ChildMissing',
      'APIServerError',
      'SecretNotFound',
      'SecretKeyNotFound',
      'SecretValueInvalid',
    ],
  },
  Approved: {
    trueWhen: 'Nothing waits for approval. Present only while `spec.management` is Plan.',
    reasons: ['NothingPlanned', 'PlanApproved', 'PlanPending', 'PlanChanged'],
  },
  Paused: {
    trueWhen: '`spec.management` is Paused. Present only then.',
    reasons: ['Paused'],
  },
} as const satisfies Record<string, Meaning>;

export type ConditionType = keyof typeof CONDITIONS;

export const CONDITION_TYPES = Object.keys(CONDITIONS) as ConditionType[];

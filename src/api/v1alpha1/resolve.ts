import type {z} from 'zod';
import {DEFAULT_POOL_SIZE, LEAST_POOL_SIZE} from './database.ts';
import {durationSeconds} from './duration.ts';
import {type DefaultedSpec, type FraiseQLAuthSpec, mostReplicas, specSchema} from './fraiseqlauth.ts';
import {WELL_KNOWN_ISSUERS} from './providers.ts';
import {canonicalQuantity, quantityNanos} from './quantity.ts';
import type {resources} from './resources.ts';
import {COMMON_REPLICAS, SURGE} from './scaling.ts';

/** How many pods run. */
export type Scaling =
  | {kind: 'Fixed'; replicas: number}
  | {
      kind: 'Automatic';
      minReplicas: number;
      maxReplicas: number;
      targetCPUUtilization: number;
      targetMemoryUtilization: number;
    };

type Amount = {cpu: string; memory: string};
/** Requests and limits as the API server gives them back. */
type ResolvedResources = {requests: Amount; limits: Amount};

type Backup = NonNullable<DefaultedSpec['backup']>;
type Destination = NonNullable<Backup['destination']>;
type ResolvedDestination =
  | ({kind: 's3'} & NonNullable<Destination['s3']> & {forcePathStyle: boolean})
  | ({kind: 'pvc'} & NonNullable<Destination['pvc']>);

export interface ResolvedBackup {
  schedule: string;
  timeZone: string;
  retentionSeconds: number;
  suspend: boolean;
  destination: ResolvedDestination;
}

type ResolvedProvider = Omit<DefaultedSpec['providers'][number], 'issuerURL'> & {
  displayName: string;
  issuerURL: string;
};

/** A spec in which nothing is left open: every default is in it, durations are seconds, amounts are canonical. */
export interface ResolvedSpec {
  profile: DefaultedSpec['profile'];
  management: DefaultedSpec['management'];
  runState: DefaultedSpec['runState'];
  publicURL: string;
  /** Without the public URL itself. */
  previousIssuers: string[];
  returnToOrigins: string[];
  branding: NonNullable<DefaultedSpec['branding']>;
  providers: ResolvedProvider[];
  tokens: {
    algorithm: DefaultedSpec['tokens']['algorithm'];
    accessTTLSeconds: number;
    refreshTTLSeconds: number;
    idleTTLSeconds: number;
    refreshRotation: DefaultedSpec['tokens']['refreshRotation'];
    replayWindowSeconds: number;
    /** Empty: the server takes the public URL. */
    audience: string[];
  };
  signingKeys: {
    /** 0: only on request. */
    rotateEverySeconds: number;
    publishBeforeSeconds: number;
    maxAgeSeconds: number;
  };
  database: {
    urlSecretRef: {name: string; key: string};
    /** Undefined: as the URL says. */
    caSecretRef: {name: string; key: string} | undefined;
    poolSize: number;
    maxLifetimeSeconds: number;
  };
  /** Undefined: nobody may introspect tokens. */
  introspection: DefaultedSpec['introspection'];
  /** Undefined: each pod for itself. */
  cache:
    | {
        redisURLSecretRef: {name: string; key: string};
        /** Undefined: whom Node trusts. */
        caSecretRef: {name: string; key: string} | undefined;
        sessionTTLSeconds: number;
      }
    | undefined;
  /** What is not given stays as the server has it. */
  rateLimits: NonNullable<DefaultedSpec['rateLimits']>;
  migrations: {timeoutSeconds: number};
  /** The Secret with the certificate that the pods show; undefined: they speak http. */
  certificateSecret: string | undefined;
  scaling: Scaling;
  resources: ResolvedResources;
  /** Undefined: the operator's own image. */
  image: string | undefined;
  imagePullSecrets: {name: string}[];
  /** Undefined: no backups. */
  backup: ResolvedBackup | undefined;
  rollout: {
    progressDeadlineSeconds: number;
    onFailure: DefaultedSpec['rollout']['onFailure'];
    check: DefaultedSpec['rollout']['check'];
  };
  /** Undefined: none was given yet. */
  restartToken: string | undefined;
  pod: NonNullable<DefaultedSpec['pod']>;
  logging: DefaultedSpec['logging'];
  trustedProxies: string[];
}

const DEFAULT_IDLE_TTL = '72h';

/** What a profile has where the spec says nothing. */
const PROFILES: Record<DefaultedSpec['profile'], {scaling: Scaling; resources: ResolvedResources}> = {
  Development: {
    scaling: {kind: 'Fixed', replicas: 1},
    resources: {requests: {cpu: '50m', memory: '128Mi'}, limits: {cpu: '500m', memory: '512Mi'}},
  },
  Production: {
    scaling: {
      kind: 'Automatic',
      minReplicas: 3,
      maxReplicas: 10,
      targetCPUUtilization: 70,
      targetMemoryUtilization: 80,
    },
    resources: {requests: {cpu: '100m', memory: '256Mi'}, limits: {cpu: '500m', memory: '512Mi'}},
  },
};

/** The spec with every default in it. Throws where it is not valid: run `checkSpec` first. */
export function resolveSpec(written: FraiseQLAuthSpec): ResolvedSpec {
  return resolveDefaults(specSchema.parse(written));
}

/** The same of a spec that was checked already. */
export function resolveDefaults(spec: DefaultedSpec): ResolvedSpec {
  const profile = PROFILES[spec.profile];
  return {
    profile: spec.profile,
    management: spec.management,
    runState: spec.runState,
    publicURL: spec.publicURL,
    previousIssuers: (spec.previousIssuers ?? []).filter((each) => each !== spec.publicURL),
    returnToOrigins: spec.returnToOrigins ?? [],
    branding: spec.branding ?? {},
    providers: spec.providers.map((each) => ({
      ...each,
      displayName: each.displayName ?? each.name,
      issuerURL: each.issuerURL ?? WELL_KNOWN_ISSUERS[each.type] ?? '',
    })),
    tokens: {
      algorithm: spec.tokens.algorithm,
      accessTTLSeconds: seconds(spec.tokens.accessTTL),
      refreshTTLSeconds: seconds(spec.tokens.refreshTTL),
      idleTTLSeconds: Math.min(
        seconds(spec.tokens.idleTTL ?? DEFAULT_IDLE_TTL),
        seconds(spec.tokens.refreshTTL),
      ),
      refreshRotation: spec.tokens.refreshRotation,
      replayWindowSeconds: seconds(spec.tokens.replayWindow),
      audience: spec.tokens.audience ?? [],
    },
    signingKeys: {
      rotateEverySeconds: seconds(spec.signingKeys.rotateEvery),
      publishBeforeSeconds: seconds(spec.signingKeys.publishBefore),
      maxAgeSeconds: seconds(spec.signingKeys.jwksMaxAge),
    },
    database: {
      urlSecretRef: spec.database.urlSecretRef,
      caSecretRef: spec.database.caSecretRef,
      poolSize: poolSize(spec),
      maxLifetimeSeconds: seconds(spec.database.maxLifetime),
    },
    introspection: spec.introspection,
    cache: spec.cache && {
      redisURLSecretRef: spec.cache.redisURLSecretRef,
      caSecretRef: spec.cache.caSecretRef,
      sessionTTLSeconds: seconds(spec.cache.sessionTTL),
    },
    rateLimits: spec.rateLimits ?? {policy: 'Enforce'},
    migrations: {timeoutSeconds: seconds(spec.migrations.timeout)},
    certificateSecret: spec.tls?.inPod.certificateSecretRef.name,
    scaling: scaling(spec, profile.scaling),
    resources: mergedResources(spec.resources, profile.resources),
    image: spec.image,
    imagePullSecrets: spec.imagePullSecrets ?? [],
    backup: backup(spec.backup),
    rollout: {
      progressDeadlineSeconds: seconds(spec.rollout.progressDeadline),
      onFailure: spec.rollout.onFailure,
      check: spec.rollout.check,
    },
    restartToken: spec.restartToken,
    pod: spec.pod ?? {},
    logging: spec.logging,
    trustedProxies: spec.trustedProxies ?? [],
  };
}

function scaling(spec: DefaultedSpec, fallback: Scaling): Scaling {
  if (spec.replicas !== undefined) return {kind: 'Fixed', replicas: spec.replicas};
  if (spec.autoscaling) return {kind: 'Automatic', ...spec.autoscaling};
  return fallback;
}

/**
 * The guide's pool, or what the budget holds when every pod and the one of a roll-out have theirs. It counts with at
 * least as many pods as a service commonly has, for another pool rolls the pods, and whoever scales wants only more of
 * them.
 */
function poolSize(spec: DefaultedSpec): number {
  const {poolSize: given, connectionBudget} = spec.database;
  const common = Math.min(COMMON_REPLICAS, Math.floor(connectionBudget / LEAST_POOL_SIZE) - SURGE);
  const pods = Math.max(mostReplicas(spec), common) + SURGE;
  return given ?? Math.min(DEFAULT_POOL_SIZE, Math.floor(connectionBudget / pods));
}

/** What is given wins; a default request never exceeds a limit that is given, nor a default limit a given request. */
function mergedResources(
  given: z.output<typeof resources> | undefined,
  fallback: ResolvedResources,
): ResolvedResources {
  const merged: ResolvedResources = {requests: {...fallback.requests}, limits: {...fallback.limits}};
  for (const name of ['cpu', 'memory'] as const) {
    const request = given?.requests?.[name];
    const limit = given?.limits?.[name];
    const [low, high] = [String(request ?? fallback.requests[name]), String(limit ?? fallback.limits[name])];
    const fits = (quantityNanos(low) ?? 0n) <= (quantityNanos(high) ?? 0n);
    merged.requests[name] = canonicalQuantity(fits || request !== undefined ? low : high);
    merged.limits[name] = canonicalQuantity(fits || limit !== undefined ? high : low);
  }
  return merged;
}

function backup(given: Backup | undefined): ResolvedBackup | undefined {
  if (!given?.destination || given.policy === 'None') return undefined;
  const {s3, pvc} = given.destination;
  const destination: ResolvedDestination | undefined = s3
    ? {kind: 's3', ...s3, forcePathStyle: s3.forcePathStyle ?? s3.endpoint !== undefined}
    : pvc && {kind: 'pvc', ...pvc};
  return (
    destination && {
      schedule: given.schedule,
      timeZone: given.timeZone,
      retentionSeconds: seconds(given.retention.maxAge),
      suspend: given.suspend,
      destination,
    }
  );
}

/** A duration that was checked before. */
function seconds(text: string): number {
  const value = durationSeconds(text);
  if (value === undefined) throw new RangeError(`not a duration: ${text}`);
  return value;
}

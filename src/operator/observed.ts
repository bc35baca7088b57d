import type {KubeObject} from '../kube/objects.ts';
import type {PairFault} from '../support/certificate.ts';
import type {Scheme} from './desired/service.ts';
import {
  certificateSecretOf,
  type CronJob,
  type Deployment,
  type Job,
  type Pod,
  type ReplicaSet,
  serves,
} from './workloads.ts';

/** A Secret of the user's. */
export interface SecretView {
  /** Of each value only a hash, empty where the value is; by its key. */
  readonly hashes: ReadonlyMap<string, string>;
  /** What its certificate and key turned out to be, where it has such. */
  readonly certificate?: CertificateView | PairFault;
}

/** A certificate with its key; nothing of the key. */
export type CertificateView = ShownCertificate & {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** For whom it is. */
  readonly names: string;
};

/** A certificate that a pod shows. */
export interface ShownCertificate {
  /** SHA-256 over it, hex. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What a key in the Secret of signing keys turned out to be. */
export type KeyView =
  | {
      readonly kid: string;
      readonly algorithm: 'RS256' | 'ES256' | 'EdDSA';
      /** The list that the servers read says that it signs. */
      readonly signs?: boolean;
    }
  | {readonly kid: string; readonly problem: string};

/** The pods' own word on the service, from /health/auth and /metrics. */
export interface HealthReport {
  readonly auth: 'healthy' | 'degraded' | 'unhealthy';
  readonly oauthProvider: 'ok' | 'error' | undefined;
  readonly db: 'ok' | 'error' | undefined;
  /** Only where the pods have a Redis. */
  readonly cache?: 'ok' | 'error';
  /** What the pods that speak https show, each certificate once. */
  readonly certificates?: readonly ShownCertificate[];
  /** What cannot be used and why, in the words of the metric: `database`, `provider:<name>`, `redis`. */
  readonly errors: readonly {readonly dependency: string; readonly reason: string}[];
  /** When this was first so, RFC 3339. */
  readonly checkedAt: string;
  /** The same in milliseconds of a clock of this process that never jumps. */
  readonly sinceMs: number;
}

/** A time by the two clocks of this process, in milliseconds: since the epoch, and one that never jumps. */
export interface Moment {
  readonly now: number;
  readonly monotonic: number;
}

/** All that is known about one resource at the start of a pass: plain values, read from stores. */
export interface Observed {
  /** The user's Secrets that the spec names; undefined for one that does not exist. */
  readonly secrets: ReadonlyMap<string, SecretView | undefined>;
  /** Whether the PersistentVolumeClaims that the spec names are there; without those that may not be asked for. */
  readonly claims?: ReadonlyMap<string, boolean>;
  /** Everything that belongs to the resource, by `Kind/name`. */
  readonly children: ReadonlyMap<string, KubeObject>;
  /** What is in the Secret of signing keys; undefined where that does not exist. */
  readonly signingKeys: readonly KeyView[] | undefined;
  readonly pods: readonly Pod[];
  readonly replicaSets: readonly ReplicaSet[];
  /** Last log lines of containers that crash, by the pod's uid. */
  readonly logLines: ReadonlyMap<string, string>;
  /** Since when this process knows of what lasts: that a Job has ended, by its uid; and more, see `FirstSeen`. */
  readonly firstSeen: ReadonlyMap<string, Moment>;
  /** When this was observed, by the clock that never jumps. */
  readonly monotonic: number;
  /** Undefined: nobody could be asked. */
  readonly health: HealthReport | undefined;
  /** What the pods were heard to do with keys, by the pod's uid; asked only while keys rotate. */
  readonly keyAnswers?: ReadonlyMap<string, KeyAnswer>;
  /** The kids at the public URL; undefined where it cannot be asked from here. */
  readonly publicKids?: readonly string[] | undefined;
}

/** What one pod was last heard to do with keys. */
export interface KeyAnswer {
  /** The kids in its JWK Set. */
  readonly kids: readonly string[];
  /** The kid with which it signs; undefined where it does not say. */
  readonly signer: string | undefined;
  /** The max-age of its JWK Set and the lifetime of its access tokens, in seconds. */
  readonly maxAgeSeconds: number | undefined;
  readonly tokenTTLSeconds: number | undefined;
}

/** The child of that kind and name. */
export function child(observed: Observed, kind: string, name: string): KubeObject | undefined {
  return observed.children.get(`${kind}/${name}`);
}

/** All children of a kind. */
export function childrenOf<T extends KubeObject>(observed: Observed, kind: string): T[] {
  return [...observed.children.values()].filter((each) => each.kind === kind) as T[];
}

/** Its Jobs: of migrations, and of checks. */
export const jobsOf = (observed: Observed): Job[] => childrenOf<Job>(observed, 'Job');
/** The Deployment of that name. */
export const deploymentOf = (observed: Observed, name: string): Deployment | undefined =>
  child(observed, 'Deployment', name);

/** How pods that run, or may come any moment, are spoken to. */
export function schemesOf(observed: Observed, name: string): Set<Scheme> {
  const made = [
    deploymentOf(observed, name)?.spec?.template?.spec,
    ...observed.pods.filter(serves).map(({spec}) => spec),
  ];
  return new Set(
    made
      .filter((spec) => spec !== undefined)
      .map((spec) => (certificateSecretOf(spec) === undefined ? 'http' : 'https')),
  );
}

/** The CronJob of that name. */
export const cronJobOf = (observed: Observed, name: string): CronJob | undefined =>
  child(observed, 'CronJob', name);

/** The same with objects that were written meanwhile. */
export function withChildren(observed: Observed, written: readonly KubeObject[]): Observed {
  if (written.length === 0) return observed;
  const children = new Map(observed.children);
  for (const object of written) children.set(`${object.kind}/${object.metadata.name}`, object);
  return {...observed, children};
}

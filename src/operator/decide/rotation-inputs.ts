import type {KeyRing, RingKey} from '../desired/key-ring.ts';
import type {KeyAnswer, KeyView, Moment} from '../observed.ts';

/** What a key signs by. */
export type Algorithm = RingKey['algorithm'];

/** A pod that serves, and what it said of its keys. */
export interface Replica {
  readonly pod: string;
  /** Undefined: it could not be asked, or not yet. */
  readonly answer: KeyAnswer | undefined;
  /** Since when the pod is there: milliseconds since the epoch. */
  readonly startedAt: number;
  /** Its container does not run. */
  readonly down: boolean;
}

/** What the rotation is decided from. Times are milliseconds since the epoch. */
export interface RotationInputs {
  /** As it stands beside the keys; undefined where there is none. */
  readonly ring: KeyRing | undefined;
  /** The keys that are there, good and bad. */
  readonly keys: readonly KeyView[];
  readonly wanted: {
    readonly algorithm: Algorithm;
    readonly rotateEverySeconds: number;
    readonly publishBeforeSeconds: number;
    readonly maxAgeSeconds: number;
    readonly tokenTTLSeconds: number;
  };
  /** The values of the annotations by which a person asks for a rotation, and for a key to go at once. */
  readonly rotate: string | undefined;
  readonly retire: string | undefined;
  readonly replicas: readonly Replica[];
  /** The kids at the public URL; undefined where it cannot be asked from here. */
  readonly publicKids: readonly string[] | undefined;
  /** When this process first saw what stands in the ring, see `ringIds`. */
  readonly seen: ReadonlyMap<string, Moment>;
  readonly now: number;
  readonly monotonic: number;
}

/** Who is behind in a rotation. */
export interface Waiting {
  readonly kid: string;
  readonly until: 'served' | 'signed-with-another';
  readonly pods: readonly string[];
  /** Those of them that were never heard: they may well be up to date. */
  readonly unheard: readonly string[];
  readonly publicURL: boolean;
  /** It takes longer than a mounted Secret ever does. */
  readonly late: boolean;
}

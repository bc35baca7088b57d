import type {SimulatedApi} from './api.ts';
import type {Random} from './random.ts';
import type {SimulatedTime} from './time.ts';

/** What lies outside of the cluster, and decides whether a change is good. */
export interface Outside {
  /** Whether the identity providers answer, and know us. */
  provider: 'accepts' | 'refuses' | 'away';
  /** Whether a pod that starts now becomes ready. */
  podsBecomeReady: boolean;
}

/** What those work with who play the cluster. */
export interface World {
  readonly api: SimulatedApi;
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly outside: Outside;
}

import type {FieldError} from '../../api/v1alpha1/check.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {KubeObject, ResourceType} from '../../kube/objects.ts';
import type {RingKey} from '../desired/key-ring.ts';
import type {Problem} from '../problem.ts';
import type {Rotation} from './key-rotation.ts';
import type {Migration} from './migration.ts';
import type {Proof} from './proof.ts';
import type {SecretsFinding} from './secrets.ts';

/** One thing to do. Steps are done in their order; one whose needs failed is left out. */
export type Step =
  /** Make key material and create the Secret with it; one that is there already stays. */
  | {readonly kind: 'mint'; readonly what: 'state'; readonly name: string}
  /** Bring the signing keys to their next states, in one write: make one, let one sign, take one away. */
  | {
      readonly kind: 'keys';
      readonly name: string;
      /** The Secret that this was decided on, and no other version of it; undefined: there is none. */
      readonly secret: KubeObject | undefined;
      readonly rotation: Rotation;
    }
  /** Bring a child to what is desired; nothing is sent where it is so already. */
  | {
      readonly kind: 'apply';
      readonly type: ResourceType;
      readonly desired: KubeObject;
      readonly needs: readonly string[];
      /** Fields that are set at creation and belong to another afterwards. */
      readonly initially?: Record<string, unknown>;
    }
  /** Create a Job whose name says all about it. */
  | {
      readonly kind: 'run';
      readonly type: ResourceType;
      readonly desired: KubeObject;
      readonly needs: readonly string[];
      /** The try before, which has to go first. */
      readonly supersedes?: KubeObject;
    }
  /** Give an object of ours its labels and its owner back, and touch nothing else of it. */
  | {
      readonly kind: 'own';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly desired: KubeObject;
    }
  /** Change these fields of an object that is there, and no others. */
  | {
      readonly kind: 'patch';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly patch: {
        readonly metadata?: {readonly annotations: Readonly<Record<string, string | null>>};
        readonly spec: Readonly<Record<string, unknown>>;
      };
    }
  | {readonly kind: 'delete'; readonly type: ResourceType; readonly object: KubeObject; readonly why: string};

/** What stands in place of a value that is made only when a plan is let through. */
export const UNMADE = 'unmade00';

/** A text as it is now, and as it was before the key that it depends on was made. */
export type Alias = readonly [now: string, then: string];

/** The name by which steps refer to each other. */
export function stepId(step: Step): string {
  if (step.kind === 'mint' || step.kind === 'keys') return `Secret/${step.name}`;
  const object = 'object' in step ? step.object : step.desired;
  return `${object.kind}/${object.metadata.name}`;
}

/** The object that a step is about. */
export function subjectOf(step: Step): {apiVersion: string; kind: string; name: string} {
  if (step.kind === 'mint' || step.kind === 'keys')
    return {apiVersion: 'v1', kind: 'Secret', name: step.name};
  const {apiVersion, kind, metadata} = 'object' in step ? step.object : step.desired;
  return {apiVersion, kind, name: metadata.name};
}

/** What is to be done for a resource, and all that was found out on the way: the status says it. */
export interface Decision {
  /** What is wrong with the spec; nothing else is done then. */
  readonly specErrors: readonly FieldError[];
  /** Undefined where the spec is not valid. */
  readonly spec: ResolvedSpec | undefined;
  readonly image: string;
  readonly version: string;
  readonly secrets: SecretsFinding | undefined;
  readonly keys: KeysFinding | undefined;
  /** The hash of the template that the spec asks for; undefined until what it is made of is there. */
  readonly template: string | undefined;
  /** Whether what the spec asks for may run; undefined until what comes before it is there. */
  readonly proof: Proof | undefined;
  /** The Job that tries it out. */
  readonly checkJob: string | undefined;
  /** Undefined until what comes before it is there. */
  readonly migration: Migration | undefined;
  readonly migrationJob: string | undefined;
  /** Stands for the database that the spec names; undefined until the key is there with which it is made. */
  readonly databaseHash: string | undefined;
  /** How texts in the steps would be, had the state key not been made yet; only for a plan. */
  readonly aliases: readonly Alias[];
  readonly steps: readonly Step[];
  /** Children that are missed, and may not be made: of a resource that is paused. */
  readonly missing: readonly Problem[];
  /** When to look again though nothing has happened: milliseconds from now. */
  readonly requeueAfterMs: number | undefined;
}

/** A key that is to be taken away, and why it was not. */
export interface Retirement {
  readonly kid: string;
  /**
   * Unknown: there is no such key, nor was it taken away before. Held: nothing may be changed, or no pod runs. Planned: it
   * waits to be let through.
   */
  readonly state: 'Unknown' | 'Held' | 'Planned';
}

/** How the signing keys stand. */
export interface KeysFinding {
  /** The key that signs; undefined while there is none. */
  readonly active: RingKey | undefined;
  /** How they are turned; as they are, while that is held back or waits to be let through. */
  readonly rotation: Rotation;
  /** What comes of a request to take a key away, where that was not done. */
  readonly retirement: Retirement | undefined;
  /** What to write for them; undefined where they are as they have to be. */
  readonly step: Extract<Step, {kind: 'keys'}> | undefined;
  readonly problems: readonly Problem[];
}

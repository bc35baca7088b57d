import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {KubeObject} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';
import type {Moment} from '../observed.ts';
import {readRing, RING} from '../desired/key-ring.ts';
import {trueCondition, type Deployment, type Job} from '../workloads.ts';
import {wakingSeenId} from '../decide/hibernation.ts';
import {ringIds} from '../decide/key-deadlines.ts';
import {schemaSeenId} from '../decide/migration.ts';
import {refusalSeenId} from '../decide/refusal.ts';

/**
 * When this process first saw what lasts: that a Job has ended, that a schema is current, that a template is refused, that
 * a service wakes, how far a rotation of keys is.
 * Times that others wrote are not compared with our clock, for theirs may be another.
 */
export class FirstSeen {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #known = new Map<string, ReadonlyMap<string, Moment>>();

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** What of a resource there is now, with the time at which it came. What is no longer there is forgotten. */
  look(
    key: string,
    status: FraiseQLAuth['status'],
    children: Iterable<KubeObject>,
  ): ReadonlyMap<string, Moment> {
    const before = this.#known.get(key);
    const now = {now: this.#clock.now(), monotonic: this.#clock.monotonic()};
    const seen = new Map([...ids(status, children)].map((id) => [id, before?.get(id) ?? now]));
    if (seen.size > 0) this.#known.set(key, seen);
    else this.#known.delete(key);
    return seen;
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}

function* ids(status: FraiseQLAuth['status'], children: Iterable<KubeObject>): Iterable<string> {
  for (const object of children) {
    const {uid} = object.metadata;
    if (object.kind === 'Job' && uid !== undefined && hasEnded(object)) yield uid;
    if (object.kind === 'Deployment') yield* deploymentIds(object);
    const ring = object.kind === 'Secret' ? readRing(object.metadata.annotations?.[RING]) : undefined;
    if (ring !== undefined) yield* ringIds(ring);
  }
  const schema = schemaSeenId(status);
  if (schema !== undefined) yield schema;
}

function deploymentIds(live: Deployment): string[] {
  return [refusalSeenId(live), wakingSeenId(live)].filter((each) => each !== undefined);
}

function hasEnded(job: Job): boolean {
  return trueCondition(job, 'Complete') !== undefined || trueCondition(job, 'Failed') !== undefined;
}

import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {keyOf, type KubeObject} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';
import {RecentMap} from '../../support/recent-map.ts';
import {MANAGER} from '../desired/children.ts';
import type {Problem} from '../problem.ts';

/**
 * A child is put right at once so often in a row, which two programs that fight come to within seconds and a person never,
 * and once in so long from then on.
 */
const BURST = 120;
const REFILL_MS = 15_000;
/** It is no longer contested when nothing had to be put right for so many times as long. */
const OVER = 3;
/** Children that were written last: whoever is fought over is among them. */
const REMEMBERED = 1024;

/** By its uid: one that is deleted and made anew begins anew. */
type Owner = FraiseQLAuth['metadata'];
type Subject = NonNullable<Problem['objectRef']>;

interface Child {
  readonly subject: Subject;
  /** Of what was written, so that a change of ours counts for nothing. */
  readonly hash: string;
  tokens: number;
  /** When the tokens were counted, in monotonic milliseconds. */
  at: number;
}

/** A child may not be put right again before `retryMs`. */
export class ContestedError extends Error {
  override readonly name = 'ContestedError';
  readonly retryMs: number;

  constructor({kind, name}: Subject, retryMs: number) {
    super(`${kind} ${name} was put right too often of late`);
    this.retryMs = retryMs;
  }
}

/**
 * Children that somebody else changes, or deletes, as often as they are put right. Two programs that correct each other
 * would do so as fast as the API server lets them, and be noticed by its load only; so the second of them, which this is,
 * becomes slower, and says whom it fights. A token bucket, as Kubernetes has for events.
 */
export class Contests {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #children = new RecentMap<string, Child>(REMEMBERED);
  readonly #contested = new Map<string, Map<string, {readonly child: Child; readonly problem: Problem}>>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * A child of that resource is about to be written.
   * @throws ContestedError when that was done too often of late, with the same in it
   */
  ask({uid}: Owner, subject: Subject, hash: string): void {
    const child = this.#children.get(idOf(uid, subject));
    if (child === undefined || child.hash !== hash) return;
    this.#refill(child);
    if (child.tokens < 1) throw new ContestedError(subject, Math.ceil((1 - child.tokens) * REFILL_MS));
  }

  /** It was written; `before` is what somebody had made of it, undefined where it was not there. */
  wrote(owner: Owner, subject: Subject, hash: string, before: KubeObject | undefined): void {
    const id = idOf(owner.uid, subject);
    const key = keyOf(owner);
    const known = this.#children.get(id);
    if (known === undefined || known.hash !== hash) {
      this.#children.set(id, {subject, hash, tokens: BURST, at: this.#clock.monotonic()});
      this.#end(key, id);
      return;
    }
    this.#refill(known);
    known.tokens = Math.max(0, known.tokens - 1);
    const contested = this.#contested.get(key) ?? new Map<string, never>();
    if (known.tokens >= 1 && !contested.has(id)) return;
    this.#contested.set(key, contested.set(id, {child: known, problem: problemOf(subject, before)}));
  }

  /** What is contested of the resource `key`. */
  problems(key: string): readonly Problem[] {
    const contested = this.#contested.get(key);
    if (contested === undefined) return [];
    for (const [id, {child}] of contested) {
      this.#refill(child);
      if (child.tokens >= OVER) this.#end(key, id);
    }
    return [...contested.values()].map(({problem}) => problem);
  }

  /** The resource is gone. */
  forget(key: string): void {
    this.#contested.delete(key);
  }

  #end(key: string, id: string): void {
    const contested = this.#contested.get(key);
    contested?.delete(id);
    if (contested?.size === 0) this.#contested.delete(key);
  }

  #refill(child: Child): void {
    const now = this.#clock.monotonic();
    child.tokens = Math.min(BURST, child.tokens + (now - child.at) / REFILL_MS);
    child.at = now;
  }
}

function idOf(uid: string, {kind, name}: Subject): string {
  return `${uid} ${kind}/${name}`;
}

function problemOf(subject: Subject, before: KubeObject | undefined): Problem {
  const {kind, name} = subject;
  const rival = before && rivalIn(before);
  const does =
    before === undefined ? 'somebody deletes it each time' : `${rival ?? 'somebody'} changes it each time`;
  return {
    reason: 'ChildContested',
    message: `${kind} ${name} was put right ${BURST} times in a row, and ${does}`,
    hint: `It is put right every ${REFILL_MS / 1000} seconds from now on. Keep ${rival ?? 'that program'} from it, or give the change to the spec of this resource; the API server's audit log and metadata.managedFields say who it is`,
    objectRef: subject,
  };
}

/** Who wrote to it last, of all but this operator, by its managed fields. */
function rivalIn({metadata: {managedFields = []}}: KubeObject): string | undefined {
  const others = managedFields.filter(
    ({manager, subresource}) => manager?.startsWith(MANAGER) !== true && !subresource,
  );
  return others.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0]?.manager;
}

import {canonical} from '../../kube/canonical.ts';
import type {Bound, KeyRing, RingKey} from '../desired/keyRing.ts';
import type {KeyAnswer, KeyView} from '../observed.ts';

type Algorithm = RingKey['algorithm'];

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
  readonly now: number;
}

/** Who is behind in a rotation. */
export interface Waiting {
  readonly kid: string;
  readonly until: 'served' | 'signed-with-another';
  readonly pods: readonly string[];
  readonly publicURL: boolean;
  /** It takes longer than a mounted Secret ever does. */
  readonly late: boolean;
}

export interface Rotation {
  /** The ring as it has to be; a key that is yet to be made has {@link NEW} for its kid. */
  readonly ring: KeyRing;
  readonly mint: Algorithm | undefined;
  /** Keys whose material has to go. */
  readonly drop: readonly string[];
  readonly changed: boolean;
  readonly waiting: Waiting | undefined;
  /** When the published key signs at the earliest. */
  readonly signsAt: number | undefined;
  /** When something is due though nothing has happened. */
  readonly dueAt: number | undefined;
}

/** The kid of a key that is not made yet. */
export const NEW = '';
/** More keys than these there never are: what is asked for beyond waits until one has gone. */
const MAX_KEYS = 8;
/** A mounted Secret follows within a good minute; what takes longer is worth a complaint. */
export const LATE_MS = 150_000;
/** How far the clocks of pods and operator may be apart. */
const SKEW_MS = 60_000;
/** What is in flight to a cache when the last replica changes. */
const FLIGHT_MS = 5000;

const signerOf = (keys: readonly RingKey[]): RingKey | undefined =>
  keys.find((each) => each.state === 'Signing');

/**
 * One turn of the rotation: what the keys' states have to be, from what they are and what the replicas were seen to
 * do. Every turn is one write, so that whoever is cut short before or after it comes to the same end.
 *
 *   Published → Signing   every replica serves it, and the caches that could lack it have expired
 *   Signing → Retiring    with the above
 *   Retiring → gone       no replica signs with it any more, and the last token that it signed has expired
 */
export function turn(inputs: RotationInputs): Rotation {
  const {wanted, replicas, rotate, retire, now} = inputs;
  const before = inputs.ring ?? adopted(inputs);
  const drop: string[] = [];
  let mint: Algorithm | undefined;
  const told = (what: 'maxAgeSeconds' | 'tokenTTLSeconds') => replicas.map(({answer}) => answer?.[what]);
  const maxAge = follow(before.maxAge, wanted.maxAgeSeconds, told('maxAgeSeconds'), now);
  const tokenTTL = follow(before.tokenTTL, wanted.tokenTTLSeconds, told('tokenTTLSeconds'), now);
  let request = before.request;
  let keys = withMaterial(before.keys, inputs.keys, now);

  if (retire !== undefined && keys.some((each) => each.kid === retire)) {
    keys = keys.filter((each) => each.kid !== retire);
    drop.push(retire);
  }
  // A key that never signed may go at any time.
  const unfit = keys.filter((each) => each.state === 'Published' && each.algorithm !== wanted.algorithm);
  drop.push(...unfit.map(({kid}) => kid));
  keys = keys.filter((each) => !unfit.includes(each));

  let waiting: Waiting | undefined;
  let signsAt: number | undefined;
  if (signerOf(keys) === undefined) {
    // Nobody can log in without one: no cache is waited for.
    const next = keys.find((each) => each.state === 'Published');
    if (next === undefined) mint = wanted.algorithm;
    keys =
      next === undefined
        ? [...keys, {kid: NEW, algorithm: wanted.algorithm, state: 'Signing', since: now}]
        : keys.map((each) => (each === next ? signing(each, now) : each));
    // The first key of all is as new as anyone could ask for.
    if (before.keys.length === 0) request = rotate;
  } else {
    const asked = rotate !== undefined && rotate !== request;
    let next = keys.find((each) => each.state === 'Published');
    if (next === undefined && isDue(keys, inputs, asked) && keys.length < MAX_KEYS) {
      mint = wanted.algorithm;
      next = {kid: NEW, algorithm: mint, state: 'Published', since: now};
      keys = [...keys, next];
    }
    if (next !== undefined) {
      const urgent = asked || signerOf(keys)?.algorithm !== wanted.algorithm;
      if (asked) request = rotate;
      const published = urgent ? {...next, asked: true} : next;
      const served = next.kid === NEW ? undefined : serving(published, inputs);
      const known = withServed(published, served, now);
      signsAt = whenSafe(known, maxAge, wanted.publishBeforeSeconds);
      const ready = served?.all === true && known === published && signsAt !== undefined && now >= signsAt;
      keys = keys.map((each) => {
        if (each === next) return ready ? signing(known, now) : known;
        return ready && each.state === 'Signing' ? retiring(each, now) : each;
      });
      waiting = served?.waiting;
    }
  }

  const gone = keys.filter((each) => each.retireAt !== undefined && now >= each.retireAt);
  drop.push(...gone.map(({kid}) => kid));
  keys = keys.filter((each) => !gone.includes(each));
  keys = keys.map((each) => {
    if (each.state !== 'Retiring' || each.retireAt !== undefined || each.since === now) return each;
    const pods = counted(replicas, each.since, now);
    const behind = pods.filter(({answer}) => answer?.signer === undefined || answer.signer === each.kid);
    if (pods.length > 0 && behind.length === 0)
      return {...each, retireAt: now + tokenTTL.seconds * 1000 + SKEW_MS};
    waiting ??= waitingFor(each, 'signed-with-another', behind, false, now);
    return each;
  });

  const ring: KeyRing = {keys, ...(request !== undefined && {request}), maxAge, tokenTTL};
  return {
    ring,
    mint,
    drop,
    changed: inputs.ring === undefined || canonical(ring) !== canonical(inputs.ring),
    waiting,
    signsAt,
    dueAt: earliest(ring, inputs, signsAt, waiting),
  };
}

/** Whether the replicas have to be asked for the state of a ring to move on. */
export function wantsAnswers(
  ring: KeyRing,
  wanted: Pick<RotationInputs['wanted'], 'maxAgeSeconds' | 'tokenTTLSeconds'>,
): boolean {
  return (
    ring.keys.some(
      ({state, retireAt}) => state === 'Published' || (state === 'Retiring' && retireAt === undefined),
    ) ||
    ring.maxAge.seconds > wanted.maxAgeSeconds ||
    ring.tokenTTL.seconds > wanted.tokenTTLSeconds
  );
}

/**
 * The ring of keys that have none: there was no rotation when they were made, or somebody took it away. The list says
 * which one signs; any other may have signed before.
 */
function adopted({keys, wanted, now}: RotationInputs): KeyRing {
  const usable = keys
    .flatMap((each) => ('algorithm' in each ? each : []))
    .sort((a, b) => (a.kid < b.kid ? -1 : 1));
  const signer =
    usable.find((each) => each.signs === true) ?? usable.find((each) => each.algorithm === wanted.algorithm);
  return {
    keys: usable.map(({kid, algorithm}) => ({
      kid,
      algorithm,
      state: kid === signer?.kid ? 'Signing' : 'Retiring',
      since: now,
    })),
    maxAge: {seconds: wanted.maxAgeSeconds},
    tokenTTL: {seconds: wanted.tokenTTLSeconds},
  };
}

/** Without the keys that somebody took away, and with those that somebody put there: they take their turn. */
function withMaterial(keys: readonly RingKey[], there: readonly KeyView[], now: number): RingKey[] {
  const usable = there.flatMap((each) => ('algorithm' in each ? each : []));
  const kept = keys.filter(({kid}) => usable.some((each) => each.kid === kid));
  const added = usable
    .filter(({kid}) => !keys.some((each) => each.kid === kid))
    .map(({kid, algorithm}): RingKey => ({kid, algorithm, state: 'Published', since: now}));
  return [...kept, ...added];
}

/** Whether a next key has to be published: asked for, by the schedule, or because the algorithm is another one. */
function isDue(keys: readonly RingKey[], {wanted, now}: RotationInputs, asked: boolean): boolean {
  const signer = signerOf(keys);
  if (signer === undefined || asked || signer.algorithm !== wanted.algorithm) return true;
  return wanted.rotateEverySeconds > 0 && now >= publishAt(signer, wanted);
}

function publishAt(signer: RingKey, wanted: RotationInputs['wanted']): number {
  return signer.since + (wanted.rotateEverySeconds - wanted.publishBeforeSeconds) * 1000;
}

/** Those that count: a pod that is not up takes the newest keys when it starts, once they are there long enough. */
function counted(replicas: readonly Replica[], since: number, now: number): Replica[] {
  return replicas.filter(({down}) => !down || now < since + LATE_MS);
}

interface Serving {
  readonly all: boolean;
  /** Somebody answered, and lacks it: caches may have taken the set without it just now. */
  readonly lacked: boolean;
  readonly waiting: Waiting | undefined;
}

function serving(key: RingKey, {replicas, publicKids, now}: RotationInputs): Serving {
  const pods = counted(replicas, key.since, now);
  const behind = pods.filter(({answer}) => answer?.kids.includes(key.kid) !== true);
  const publicURL = publicKids !== undefined && !publicKids.includes(key.kid);
  return {
    all: pods.length > 0 && behind.length === 0 && !publicURL,
    lacked: publicURL || behind.some(({answer}) => answer !== undefined),
    waiting: behind.length > 0 || publicURL ? waitingFor(key, 'served', behind, publicURL, now) : undefined,
  };
}

function withServed(key: RingKey, served: Serving | undefined, now: number): RingKey {
  if (served?.all === true && key.servedSince === undefined) return {...key, servedSince: now};
  if (served?.lacked !== true || key.servedSince === undefined) return key;
  const {servedSince: _, ...rest} = key;
  return rest;
}

function waitingFor(
  key: RingKey,
  until: Waiting['until'],
  behind: readonly Replica[],
  publicURL: boolean,
  now: number,
): Waiting {
  const since = publicURL ? [key.since] : behind.map(({startedAt}) => Math.max(key.since, startedAt));
  return {
    kid: key.kid,
    until,
    pods: behind.map(({pod}) => pod).sort(),
    publicURL,
    late: since.length > 0 && now >= Math.min(...since) + LATE_MS,
  };
}

/** When a published key may sign; undefined while not every replica serves it. */
function whenSafe(key: RingKey, maxAge: Bound, publishBeforeSeconds: number): number | undefined {
  if (key.servedSince === undefined) return undefined;
  const expired = key.servedSince + maxAge.seconds * 1000 + FLIGHT_MS;
  return key.asked === true ? expired : Math.max(expired, key.since + publishBeforeSeconds * 1000);
}

function signing({kid, algorithm}: RingKey, now: number): RingKey {
  return {kid, algorithm, state: 'Signing', since: now};
}

function retiring({kid, algorithm}: RingKey, now: number): RingKey {
  return {kid, algorithm, state: 'Retiring', since: now};
}

/**
 * A time that others were told to rely on: it grows at once, and shrinks only when every replica tells the smaller one
 * and what was told before has passed.
 */
function follow(bound: Bound, wanted: number, told: readonly (number | undefined)[], now: number): Bound {
  const most = Math.max(wanted, ...told.flatMap((each) => each ?? []));
  if (most >= bound.seconds) return {seconds: most};
  const everyone = told.length > 0 && told.every((each) => each !== undefined);
  if (bound.lowerAt === undefined)
    return everyone ? {...bound, lowerAt: now + bound.seconds * 1000 + SKEW_MS} : bound;
  return everyone && now >= bound.lowerAt ? {seconds: most} : bound;
}

function earliest(
  ring: KeyRing,
  {wanted, replicas, now}: RotationInputs,
  signsAt: number | undefined,
  waiting: Waiting | undefined,
): number | undefined {
  const signer = signerOf(ring.keys);
  const next = ring.keys.some((each) => each.state === 'Published');
  const late = waiting === undefined || waiting.late ? [] : lateTimes(ring, replicas);
  const times = [
    ...(signer !== undefined && !next && wanted.rotateEverySeconds > 0 ? [publishAt(signer, wanted)] : []),
    ...(signsAt === undefined ? [] : [signsAt]),
    ...ring.keys.flatMap(({retireAt}) => retireAt ?? []),
    ...[ring.maxAge, ring.tokenTTL].flatMap(({lowerAt}) => lowerAt ?? []),
    ...late,
  ].filter((each) => each > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

function lateTimes(ring: KeyRing, replicas: readonly Replica[]): number[] {
  const starts = [0, ...replicas.map(({startedAt}) => startedAt)];
  return ring.keys
    .filter(({state}) => state !== 'Signing')
    .flatMap(({since}) => starts.map((start) => Math.max(since, start) + LATE_MS));
}

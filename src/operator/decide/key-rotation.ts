import {MAX_KEYS} from '../../api/v1alpha1/signing-keys.ts';
import {canonical} from '../../kube/canonical.ts';
import type {Bound, KeyRing, RingKey} from '../desired/key-ring.ts';
import type {KeyView} from '../observed.ts';
import {lowerId, retireId, servedId, stateId} from './key-deadlines.ts';
import {
  cachesMs,
  earliest,
  knownIn,
  LATE_MS,
  lastTokenMs,
  publishAt,
  scheduled,
  signerOf,
} from './key-due.ts';
import type {Known} from './known.ts';
import type {Algorithm, Replica, RotationInputs, Waiting} from './rotation-inputs.ts';

/** What has to become of the keys now. */
export interface Rotation {
  /** The ring as it has to be; a key that is yet to be made has {@link NEW} for its kid. */
  readonly ring: KeyRing;
  readonly mint: Algorithm | undefined;
  /** Keys whose material has to go. */
  readonly drop: readonly string[];
  readonly changed: boolean;
  readonly waiting: Waiting | undefined;
  /** A next key is due, and waits until an old one has gone. */
  readonly full: boolean;
  /** When the published key signs at the earliest. */
  readonly signsAt: number | undefined;
  /** When something is due though nothing has happened. */
  readonly dueAt: number | undefined;
}

/** The kid of a key that is not made yet. */
export const NEW = '';
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
  const known = knownIn(inputs);
  const before = inputs.ring ?? adopted(inputs);
  const drop: string[] = [];
  let mint: Algorithm | undefined;
  const told = (what: 'maxAgeSeconds' | 'tokenTTLSeconds') => replicas.map(({answer}) => answer?.[what]);
  const maxAge = follow('maxAge', before, wanted.maxAgeSeconds, told('maxAgeSeconds'), inputs);
  const tokenTTL = follow('tokenTTL', before, wanted.tokenTTLSeconds, told('tokenTTLSeconds'), inputs);
  let {request, retired} = before;
  let keys = withMaterial(before.keys, inputs.keys, now);

  if (retire !== undefined && keys.some((each) => each.kid === retire)) {
    keys = keys.filter((each) => each.kid !== retire);
    drop.push(retire);
    retired = retire;
  }
  // A key that never signed may go at any time.
  const unfit = keys.filter((each) => each.state === 'Published' && each.algorithm !== wanted.algorithm);
  drop.push(...unfit.map(({kid}) => kid));
  keys = keys.filter((each) => !unfit.includes(each));

  let waiting: Waiting | undefined;
  let signsAt: number | undefined;
  let full = false;
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
    const due = next === undefined && isDue(keys, inputs, asked);
    full = due && keys.length >= MAX_KEYS;
    if (due && !full) {
      mint = wanted.algorithm;
      next = {kid: NEW, algorithm: mint, state: 'Published', since: now};
      keys = [...keys, next];
    }
    if (next !== undefined) {
      const urgent = asked || signerOf(keys)?.algorithm !== wanted.algorithm;
      if (asked) request = rotate;
      const published = urgent ? {...next, asked: true} : next;
      const served = next.kid === NEW ? undefined : serving(published, inputs);
      const shown = withServed(published, served, now);
      signsAt = whenSafe(shown, maxAge, wanted, known);
      const safe = known.for(servedId(shown), cachesMs(maxAge)) && now >= scheduled(shown, wanted);
      const ready = served?.all === true && shown === published && safe;
      keys = keys.map((each) => {
        if (each === next) return ready ? signing(shown, now) : shown;
        return ready && each.state === 'Signing' ? retiring(each, now) : each;
      });
      waiting = served?.waiting;
    }
  }

  const tokensMs = lastTokenMs(before.tokenTTL, tokenTTL);
  const gone = keys.filter(
    (each) => each.retireAt !== undefined && known.due(retireId(each), tokensMs, each.retireAt),
  );
  drop.push(...gone.map(({kid}) => kid));
  keys = keys.filter((each) => !gone.includes(each));
  keys = keys.map((each) => {
    if (each.state !== 'Retiring' || each.retireAt !== undefined || each.since === now) return each;
    const pods = counted(replicas, each, known);
    const behind = pods.filter(({answer}) => answer?.signer === undefined || answer.signer === each.kid);
    if (pods.length > 0 && behind.length === 0) return {...each, retireAt: now + lastTokenMs(tokenTTL)};
    waiting ??= waitingFor(each, 'signed-with-another', behind, false, now);
    return each;
  });

  const ring: KeyRing = {
    keys,
    ...(request !== undefined && {request}),
    ...(retired !== undefined && {retired}),
    maxAge,
    tokenTTL,
  };
  return {
    ring,
    mint,
    drop,
    changed: inputs.ring === undefined || canonical(ring) !== canonical(inputs.ring),
    waiting,
    full: full && gone.length === 0,
    signsAt,
    dueAt: earliest(ring, inputs, waiting),
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

/** Those that count: a pod that is not up takes the newest keys when it starts, once they are there long enough. */
function counted(replicas: readonly Replica[], key: RingKey, known: Known): Replica[] {
  return replicas.filter(({down}) => !down || !known.for(stateId(key), LATE_MS));
}

interface Serving {
  readonly all: boolean;
  /** Somebody answered, and lacks it: caches may have taken the set without it just now. */
  readonly lacked: boolean;
  readonly waiting: Waiting | undefined;
}

function serving(key: RingKey, inputs: RotationInputs): Serving {
  const {replicas, publicKids, now} = inputs;
  const pods = counted(replicas, key, knownIn(inputs));
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
    unheard: behind.flatMap(({pod, answer}) => (answer === undefined ? [pod] : [])).sort(),
    publicURL,
    late: since.length > 0 && now >= Math.min(...since) + LATE_MS,
  };
}

/** When a published key may sign; undefined while not every replica serves it. */
function whenSafe(
  key: RingKey,
  maxAge: Bound,
  wanted: RotationInputs['wanted'],
  known: Known,
): number | undefined {
  if (key.servedSince === undefined) return undefined;
  return Math.max(known.at(servedId(key), cachesMs(maxAge)), scheduled(key, wanted));
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
function follow(
  what: 'maxAge' | 'tokenTTL',
  {[what]: bound}: KeyRing,
  wanted: number,
  told: readonly (number | undefined)[],
  inputs: RotationInputs,
): Bound {
  const most = Math.max(wanted, ...told.flatMap((each) => each ?? []));
  if (most >= bound.seconds) return {seconds: most};
  const everyone = told.length > 0 && told.every((each) => each !== undefined);
  if (bound.lowerAt === undefined)
    return everyone ? {...bound, lowerAt: inputs.now + lastTokenMs(bound)} : bound;
  const passed = knownIn(inputs).due(lowerId(what, bound), lastTokenMs(bound), bound.lowerAt);
  return everyone && passed ? {seconds: most} : bound;
}

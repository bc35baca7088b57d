import type {Bound, KeyRing, RingKey} from '../desired/key-ring.ts';
import {lowerId, retireId, servedId} from './key-deadlines.ts';
import {Known} from './known.ts';
import type {Replica, RotationInputs, Waiting} from './rotation-inputs.ts';

// How long the stages of a rotation take, and when the next thing is due.

/** A mounted Secret follows within a good minute; what takes longer is worth a complaint. */
export const LATE_MS = 150_000;
/** How far the clocks of pods and operator may be apart. */
const SKEW_MS = 60_000;
/** What is in flight to a cache when the last replica changes. */
const FLIGHT_MS = 5000;

/** The key that signs. */
export const signerOf = (keys: readonly RingKey[]): RingKey | undefined =>
  keys.find((each) => each.state === 'Signing');

/** What this process knows of the ring by its own clock. */
export function knownIn({seen, now, monotonic}: RotationInputs): Known {
  return new Known(seen, {now, monotonic});
}

/** How long a cache may keep what it took a moment before. */
export function cachesMs(maxAge: Bound): number {
  return maxAge.seconds * 1000 + FLIGHT_MS;
}

/** How long it takes until the last token has expired, whatever a replica was told. */
export function lastTokenMs(...bounds: readonly Bound[]): number {
  return Math.max(...bounds.map(({seconds}) => seconds)) * 1000 + SKEW_MS;
}

/** When the key after this one is published by the schedule, milliseconds since the epoch. */
export function publishAt(signer: RingKey, wanted: RotationInputs['wanted']): number {
  return signer.since + (wanted.rotateEverySeconds - wanted.publishBeforeSeconds) * 1000;
}

/** From when on it signs by the schedule; one that was asked for waits for none. */
export function scheduled({asked, since}: RingKey, {publishBeforeSeconds}: RotationInputs['wanted']): number {
  return asked === true ? 0 : since + publishBeforeSeconds * 1000;
}

/** When something is due though nothing has happened. */
export function earliest(
  ring: KeyRing,
  inputs: RotationInputs,
  waiting: Waiting | undefined,
): number | undefined {
  const {wanted, replicas, now} = inputs;
  const {keys, maxAge, tokenTTL} = ring;
  const known = knownIn(inputs);
  const signer = signerOf(keys);
  const next = keys.some((each) => each.state === 'Published');
  const late = waiting === undefined || waiting.late ? [] : lateTimes(ring, replicas);
  const times: (number | undefined)[] = [
    ...(signer !== undefined && !next && wanted.rotateEverySeconds > 0 ? [publishAt(signer, wanted)] : []),
    ...keys.flatMap((each) => [
      ...(each.servedSince === undefined
        ? []
        : [known.dueAt(servedId(each), cachesMs(maxAge)), scheduled(each, wanted)]),
      ...(each.retireAt === undefined ? [] : [known.dueAt(retireId(each), lastTokenMs(tokenTTL))]),
    ]),
    ...(maxAge.lowerAt === undefined ? [] : [known.dueAt(lowerId('maxAge', maxAge), lastTokenMs(maxAge))]),
    ...(tokenTTL.lowerAt === undefined
      ? []
      : [known.dueAt(lowerId('tokenTTL', tokenTTL), lastTokenMs(tokenTTL))]),
    ...late,
  ];
  const ahead = times.filter((each) => each !== undefined).filter((each) => each > now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

function lateTimes(ring: KeyRing, replicas: readonly Replica[]): number[] {
  const starts = [0, ...replicas.map(({startedAt}) => startedAt)];
  return ring.keys
    .filter(({state}) => state !== 'Signing')
    .flatMap(({since}) => starts.map((start) => Math.max(since, start) + LATE_MS));
}

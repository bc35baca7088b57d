import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {KEY_LIST, keyList, readRing, RING, type KeyRing} from '../desired/key-ring.ts';
import {names} from '../desired/names.ts';
import {child, type KeyView, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {serves} from '../workloads.ts';
import type {KeysFinding, Retirement} from './decision.ts';
import {signerOf} from './key-due.ts';
import {NEW, turn, wantsAnswers, type Rotation} from './key-rotation.ts';
import {valueHash} from '../key-view.ts';
import type {Replica, RotationInputs} from './rotation-inputs.ts';

/** On a resource: any new value asks for a new signing key, which signs as soon as it is safe. */
export const ROTATE = 'auth.fraiseql.dev/rotate-signing-key';
/** On a resource: the kid of a key that is known to others. It goes at once, and its tokens are worth nothing. */
export const RETIRE = 'auth.fraiseql.dev/retire-signing-key';

/** How the signing keys stand, and what is to be written for them. `now` is milliseconds since the epoch. */
export function assessKeys(
  resource: FraiseQLAuth,
  spec: ResolvedSpec,
  observed: Observed,
  now: number,
): KeysFinding {
  const {namespace, annotations} = resource.metadata;
  const name = names(resource.metadata).signingKeys;
  const secret = child(observed, 'Secret', name);
  const keys = observed.signingKeys ?? [];
  const problems = keys.flatMap((each) => problemOf(each, name, namespace));
  const ring = readRing(secret?.metadata.annotations?.[RING]);
  const rotation = turn({
    ring,
    keys,
    wanted: wantedOf(spec),
    rotate: annotations?.[ROTATE],
    retire: annotations?.[RETIRE],
    replicas: replicasOf(observed),
    publicKids: observed.publicKids,
    seen: observed.firstSeen,
    now,
    monotonic: observed.monotonic,
  });
  // The list is a file that somebody may have edited; the ring is what counts.
  const listed = (secret?.['data'] as Record<string, string> | undefined)?.[KEY_LIST];
  const isAstray = (of: Rotation): boolean =>
    secret !== undefined && listed !== valueHash(keyList(of.ring.keys));
  const retire = annotations?.[RETIRE];
  // Nothing moves that nobody may write, or that would have to be let through at its time.
  if (ring !== undefined && isHeld(spec)) {
    // It is told as it is until it is written.
    const there = ring.keys.filter(({kid}) => keys.some((each) => each.kid === kid && 'algorithm' in each));
    const still = {waiting: undefined, signsAt: undefined, dueAt: undefined};
    const held = {
      ...rotation,
      ...still,
      ring: {...ring, keys: there},
      mint: undefined,
      drop: [],
      changed: false,
    };
    const asks = spec.management === 'Plan' && spec.runState !== 'Hibernated';
    const planned = asks && (isLost(rotation) || (retire !== undefined && rotation.drop.includes(retire)));
    const mend = spec.management === 'Plan' && isAstray(held);
    return {
      active: signerOf(there),
      rotation: held,
      retirement: retirementOf(retire, held.ring, planned ? 'Planned' : 'Held'),
      step: planned || mend ? {kind: 'keys', name, secret, rotation: planned ? rotation : held} : undefined,
      problems,
    };
  }
  return {
    retirement: retirementOf(retire, rotation.ring, 'Held'),
    active: rotation.ring.keys.find(({state, kid}) => state === 'Signing' && kid !== NEW),
    rotation,
    step: rotation.changed || isAstray(rotation) ? {kind: 'keys', name, secret, rotation} : undefined,
    problems,
  };
}

/** Whether the pods have to be asked what they do with keys. */
export function asksForKeys(
  resource: FraiseQLAuth,
  spec: ResolvedSpec,
  children: Observed['children'],
): boolean {
  const secret = children.get(`Secret/${names(resource.metadata).signingKeys}`);
  const ring = readRing(secret?.metadata.annotations?.[RING]);
  return ring !== undefined && !isHeld(spec) && wantsAnswers(ring, wantedOf(spec));
}

/**
 * Whether keys stay as they are: the operator may write nothing, or not when their time has come; or no pod runs that
 * could follow.
 */
function isHeld({management, runState}: ResolvedSpec): boolean {
  return management !== 'Active' || runState === 'Hibernated';
}

/** What comes of the request to take that key away; undefined where there is none, or it was done. */
function retirementOf(
  kid: string | undefined,
  {keys, retired}: KeyRing,
  otherwise: Retirement['state'],
): Retirement | undefined {
  if (kid === undefined || kid === '' || kid === retired) return undefined;
  return {kid, state: keys.some((each) => each.kid === kid) ? otherwise : 'Unknown'};
}

/** There is no key to sign with any more: one has to be made. */
function isLost({ring}: Rotation): boolean {
  return ring.keys.some(({kid, state}) => kid === NEW && state === 'Signing');
}

function wantedOf({tokens, signingKeys}: ResolvedSpec): RotationInputs['wanted'] {
  return {
    algorithm: tokens.algorithm,
    tokenTTLSeconds: tokens.accessTTLSeconds,
    rotateEverySeconds: signingKeys.rotateEverySeconds,
    publishBeforeSeconds: signingKeys.publishBeforeSeconds,
    maxAgeSeconds: signingKeys.maxAgeSeconds,
  };
}

/** Pods that sign and verify, those on their way out as well: they do until they are gone. */
function replicasOf({pods, keyAnswers}: Observed): Replica[] {
  return pods.filter(serves).map((pod) => ({
    pod: pod.metadata.name,
    answer: keyAnswers?.get(pod.metadata.uid ?? ''),
    startedAt: Date.parse(pod.status?.startTime ?? '') || 0,
    down: pod.status?.containerStatuses?.some(({state}) => state?.running) !== true,
  }));
}

function problemOf(key: KeyView, secretName: string, namespace: string): Problem[] {
  if (!('problem' in key)) return [];
  return [
    {
      reason: 'KeyInvalid',
      message: `Secret ${secretName}: ${key.kid}.pem cannot sign: ${key.problem}`,
      hint: `Remove it: kubectl patch secret ${secretName} -n ${namespace} --type=json -p '[{"op":"remove","path":"/data/${key.kid}.pem"}]'; a new key is created if none is left`,
      objectRef: {apiVersion: 'v1', kind: 'Secret', name: secretName, key: `${key.kid}.pem`},
    },
  ];
}

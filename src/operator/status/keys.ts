import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {MAX_KEYS} from '../../api/v1alpha1/signing-keys.ts';
import {STATUS_LIMITS} from '../../api/v1alpha1/status.ts';
import {SERVER_PORT} from '../desired/deployment.ts';
import type {RingKey} from '../desired/key-ring.ts';
import {sentence, type Problem} from '../problem.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Decision, KeysFinding, Retirement} from '../decide/decision.ts';
import {RETIRE} from '../decide/key-finding.ts';
import type {Waiting} from '../decide/rotation-inputs.ts';
import {timestamp} from '../timestamp.ts';
import {isFalse, isTrue, isUnknown, type Finding} from './conditions.ts';

const ORDER: readonly RingKey['state'][] = ['Signing', 'Published', 'Retiring'];
/** Names that a message holds; of more it says how many. */
const MAX_NAMED = 5;
/** What a person wrote may be anything; a kid is shorter than this. */
const MAX_KID = 100;

/** The keys as the status has them: the one that signs first. */
export function signingKeysNow({keys}: Decision): FraiseQLAuthStatus['signingKeys'] {
  return keys?.rotation.ring.keys
    .filter(({kid}) => kid !== '')
    .toSorted(
      (a, b) =>
        ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.since - a.since || (a.kid < b.kid ? -1 : 1),
    )
    .slice(0, STATUS_LIMITS.signingKeys)
    .map(({kid, state, since}) => ({kid, state, since: timestamp(since)}));
}

/** What KeysHealthy says. `there`: the Secret of the keys is. */
export function keysFinding(
  {keys, spec, missing}: Decision,
  problems: readonly Problem[],
  there: boolean,
  before?: Finding,
): Finding {
  const [first] = problems;
  if (first) return isFalse(first.reason, problems.map(sentence).join(' '));
  if (!there && before !== undefined && before.reason !== 'NotYetKnown') {
    const secret = missing.find(({objectRef}) => objectRef?.kind === 'Secret');
    return isFalse(
      'KeyMissing',
      `The Secret with the signing keys is gone. ${secret?.hint ?? 'It is made anew'}`,
    );
  }
  if (keys === undefined || !there)
    return isUnknown('NotYetKnown', 'The signing key has not been created yet');
  const {active, rotation} = keys;
  if (active === undefined) {
    const held =
      spec?.management === 'Active' ? 'one is being created' : 'none is made before that may be done';
    return isFalse('KeyMissing', `There is no key to sign with; ${held}`);
  }
  const signs = `Key ${active.kid} signs with ${active.algorithm}`;
  const {waiting} = rotation;
  if (waiting?.late === true) {
    return isFalse(
      'KeyNotServed',
      `The key rotation waits: ${lateness(waiting).join('; ')}. ${signs}; tokens stay valid. It continues by itself once they have caught up`,
    );
  }
  const parts = rotation.ring.keys.flatMap((each) => told(each, rotation.signsAt));
  const asked = keys.retirement === undefined ? [] : [request(keys.retirement, keys, spec)];
  const full =
    parts.length > 0 && rotation.full
      ? [`the next key waits until one of them has gone, for there are ${MAX_KEYS} at most`]
      : [];
  const all = [signs, ...parts, ...(waiting ? [said(waiting)] : []), ...full, ...asked].join('; ');
  if (keys.retirement?.state === 'Unknown') return isTrue('RetirementIgnored', all);
  return isTrue(parts.length === 0 ? 'Healthy' : 'Rotating', all);
}

/** What comes of a request to take a key away. */
function request({kid, state}: Retirement, {rotation}: KeysFinding, spec: ResolvedSpec | undefined): string {
  switch (state) {
    case 'Unknown':
      return `the annotation ${RETIRE} names ${kid.slice(0, MAX_KID)}, which is not among the keys: ${list(rotation.ring.keys.map((each) => each.kid).filter((each) => each !== ''))}`;
    case 'Planned':
      return `${kid} is taken away once the plan is approved`;
    case 'Held': {
      const why = [
        ...(spec?.management === 'Paused' ? ['spec.management is Paused'] : []),
        ...(spec?.runState === 'Hibernated' ? ['spec.runState is Hibernated'] : []),
      ].join(' and ');
      return `${kid} is not taken away while ${why}`;
    }
    default:
      return state satisfies never;
  }
}

function told({kid, state, retireAt}: RingKey, signsAt: number | undefined): string[] {
  switch (state) {
    case 'Signing':
      return [];
    case 'Published':
      return [
        signsAt === undefined
          ? `${kid} is published`
          : `${kid} is published and signs from ${timestamp(signsAt)} on`,
      ];
    case 'Retiring':
      return [
        retireAt === undefined
          ? `${kid} retires`
          : `${kid} retires at ${timestamp(retireAt)}, when its last token has expired`,
      ];
    default:
      return state satisfies never;
  }
}

/** Who holds a rotation up for long, and where to look: a pod that was never heard may well be up to date. */
function lateness(waiting: Waiting): string[] {
  const {unheard} = waiting;
  const pods = waiting.pods.filter((each) => !unheard.includes(each));
  const behind = `${said({...waiting, pods})} (check the logs, and whether the Secret volume is up to date)`;
  const silent = `${unheard.length === 1 ? 'pod' : 'pods'} ${list(unheard)} could not be asked at port ${SERVER_PORT} (does a NetworkPolicy stand between the operator and the pods?)`;
  return [...(pods.length > 0 || waiting.publicURL ? [behind] : []), ...(unheard.length > 0 ? [silent] : [])];
}

function said({kid, until, pods, publicURL}: Waiting): string {
  const who = [
    ...(pods.length === 0 ? [] : [`${pods.length === 1 ? 'pod' : 'pods'} ${list(pods)}`]),
    ...(publicURL ? ['the public URL'] : []),
  ].join(' and ');
  const one = pods.length + (publicURL ? 1 : 0) === 1;
  return until === 'served'
    ? `${who} ${one ? 'does' : 'do'} not serve key ${kid} yet`
    : `${who} may still sign with key ${kid}`;
}

function list(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

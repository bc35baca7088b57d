import {CERTIFICATE_KEYS} from '../../api/v1alpha1/references.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {CertificateView, Observed} from '../observed.ts';
import {sentence, type Problem} from '../problem.ts';
import {timestamp} from '../timestamp.ts';
import {isFalse, isTrue, isUnknown, type Finding} from './conditions.ts';

/** How the certificate of the pods stands. */
export interface CertificateFinding {
  readonly condition: Finding;
  /** Clients that check it do not connect, or soon will not. */
  readonly problem?: Problem;
  /** Whether the problem is there already: it makes Ready false. */
  readonly now?: boolean;
}

/** What is renewed when cert-manager renews, a third of its life before the end, is never complained of. */
const SOON_SHARE = 1 / 6;
const SOON_MS = 14 * 24 * 3_600_000;
/** Clocks differ, and a certificate is used in the moment in which it is issued. */
const SKEW_MS = 5 * 60_000;

/**
 * What CertificateReady says; undefined where the pods speak http. `problems` are those of the Secrets, `now` is
 * milliseconds since the epoch.
 */
export function assessCertificate(
  spec: ResolvedSpec,
  observed: Pick<Observed, 'secrets' | 'health'>,
  problems: readonly Problem[],
  now: number,
): CertificateFinding | undefined {
  const name = spec.certificateSecret;
  if (name === undefined) return undefined;
  const problem = problems.find(({objectRef}) => objectRef?.kind === 'Secret' && objectRef.name === name);
  if (problem) return {condition: isFalse(problem.reason, sentence(problem))};
  const current = observed.secrets.get(name)?.certificate;
  if (current === undefined || typeof current === 'string')
    return {condition: isUnknown('NotYetKnown', `Secret ${name} has not been read yet`)};
  const wrong = untimely(name, current, now);
  if (wrong) return {...wrong, condition: isFalse(wrong.problem.reason, sentence(wrong.problem))};
  return {condition: servedFinding(current, observed, now)};
}

function servedFinding(
  {fingerprint, names, notAfter}: CertificateView,
  {health}: Pick<Observed, 'health'>,
  now: number,
): Finding {
  const what = `The certificate for ${names}, valid until ${timestamp(notAfter)},`;
  const shown = health?.certificates ?? [];
  const former = shown.filter((each) => each.fingerprint !== fingerprint);
  if (former.some((each) => each.notAfter <= now)) {
    return isFalse(
      'Renewing',
      `${what} is in the Secret, and pods still show the one before, which has expired. They take it up by themselves; where that lasts longer than some minutes, see their logs`,
    );
  }
  if (former.length > 0) {
    return isTrue('Renewing', `${what} is in the Secret, and pods that show the one before take it up`);
  }
  if (shown.length > 0) return isTrue('Served', `${what} is what the pods show`);
  return isUnknown('NotYetKnown', `${what} is in the Secret; no pod has been seen to show it yet`);
}

/** A certificate that is not valid yet, not any more, or not for long. */
function untimely(
  name: string,
  {notBefore, notAfter, names}: CertificateView,
  now: number,
): {problem: Problem; now: boolean} | undefined {
  const objectRef = {apiVersion: 'v1', kind: 'Secret', name, key: CERTIFICATE_KEYS.certificate};
  const renew = `Renew it in Secret ${name}: the pods pick it up without a restart. If cert-manager writes the Secret, see: kubectl describe certificate`;
  if (now < notBefore - SKEW_MS) {
    return {
      problem: {
        reason: 'CertificateNotYetValid',
        message: `The certificate in Secret ${name}, for ${names}, is not valid before ${timestamp(notBefore)}: clients that check it refuse to connect`,
        hint: 'Put one that is valid now into the Secret, or correct the clock of the machine that issues it',
        objectRef,
      },
      now: true,
    };
  }
  if (notAfter <= now) {
    return {
      problem: {
        reason: 'CertificateExpired',
        message: `The certificate in Secret ${name}, for ${names}, expired at ${timestamp(notAfter)}: clients that check it refuse to connect`,
        hint: renew,
        objectRef,
      },
      now: true,
    };
  }
  const soon = Math.min(SOON_MS, (notAfter - notBefore) * SOON_SHARE);
  if (notAfter - now > soon) return undefined;
  return {
    problem: {
      reason: 'ExpiresSoon',
      message: `The certificate in Secret ${name}, for ${names}, expires at ${timestamp(notAfter)}, and has not been renewed`,
      hint: renew,
      objectRef,
    },
    now: false,
  };
}

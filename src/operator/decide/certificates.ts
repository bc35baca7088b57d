import {CERTIFICATE_KEYS, type Reference} from '../../api/v1alpha1/references.ts';
import {fingerprintOf, namesOf, readPair, type PairFault} from '../../support/certificate.ts';
import type {CertificateView, SecretView} from '../observed.ts';
import type {Problem} from '../problem.ts';

/** What a certificate and its key are good for; nothing of the key. Both are the base64 of a Secret's data. */
export function viewCertificate(cert: string, key: string): CertificateView | PairFault {
  const certificate = readPair(decoded(cert), decoded(key));
  if (typeof certificate === 'string') return certificate;
  return {
    fingerprint: fingerprintOf(certificate),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    names: namesOf(certificate),
  };
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** What keeps a server from showing the certificate of a Secret that has both its keys. */
export function pairProblems(namespace: string, reference: Reference, view: SecretView): Problem[] {
  const {certificate} = view;
  if (typeof certificate !== 'string') return [];
  const {name} = reference;
  const [key, what] = FAULTS[certificate];
  return [
    {
      reason: 'CertificateInvalid',
      message: `Secret ${name}: ${what}; ${reference.field} names it`,
      hint: `${writeBoth(namespace, name, true)}. Pods that run keep the one that they have`,
      objectRef: {apiVersion: 'v1', kind: 'Secret', name, key},
    },
  ];
}

const {certificate: CERT, key: KEY} = CERTIFICATE_KEYS;
const FAULTS: Record<PairFault, [key: string, what: string]> = {
  NoCertificate: [CERT, `${CERT} holds no certificate in PEM form`],
  NoKey: [KEY, `${KEY} holds no unencrypted private key in PEM form`],
  Mismatch: [KEY, `the key in ${KEY} is not that of the certificate in ${CERT}`],
  Unusable: [CERT, `OpenSSL does not accept the certificate in ${CERT} with its chain`],
};

/** The command that writes a certificate and its key, in place of what there is. */
export function writeBoth(namespace: string, name: string, there: boolean): string {
  const create = `kubectl create secret tls ${name} -n ${namespace} --cert=CHAIN.pem --key=KEY.pem`;
  return there
    ? `Write a certificate with its key: ${create} --dry-run=client -o yaml | kubectl replace --force -f -`
    : `Create it: ${create}; or let cert-manager write it`;
}

/** Certificates that pods which mount a Secret may show, and how long each of them (monotonic milliseconds). */
export type Pins = readonly {readonly fingerprint: string; readonly until: number}[];

/** A roll-out may take so long, and a kubelet takes a minute or two to bring a renewed certificate to its pods. */
const FORMER_MS = 3_600_000;
const MAX_PINS = 4;

/** The pins after a look at the Secret: its own certificate, and for a while those that it replaced. */
export function nextPins(before: Pins, view: SecretView | undefined, now: number): Pins {
  const current = view?.certificate;
  // What no server takes no server shows: the one before stays.
  if (current === undefined || typeof current === 'string') return before;
  const former = before
    .filter(({fingerprint, until}) => fingerprint !== current.fingerprint && until > now)
    .map(({fingerprint, until}) => ({fingerprint, until: Math.min(until, now + FORMER_MS)}));
  return [{fingerprint: current.fingerprint, until: Infinity}, ...former].slice(0, MAX_PINS);
}

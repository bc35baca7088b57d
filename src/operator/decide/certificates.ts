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
      hint: `${writeBoth(namespace, reference, view)}. Pods that run keep the one that they have`,
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

/** How a certificate comes with its key: in place of what there is only where nothing else would be lost. */
export function writeBoth(namespace: string, {name, field}: Reference, view: SecretView | undefined): string {
  const create = (what: string) =>
    `kubectl create secret tls ${what} -n ${namespace} --cert=CHAIN.pem --key=KEY.pem`;
  if (view === undefined) return `Create it: ${create(name)}; or let cert-manager write it`;
  return holdsOther(view, [CERT, KEY])
    ? `Name another Secret in ${field}, for this one holds other things, and create it: ${create('NAME')}; or let cert-manager write it`
    : `Write a certificate with its key: ${create(name)} --dry-run=client -o yaml | kubectl replace --force -f -`;
}

/** Whether a Secret has more keys than these: somebody may use them. */
export function holdsOther({hashes}: SecretView, keys: readonly string[]): boolean {
  return [...hashes.keys()].some((key) => !keys.includes(key));
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

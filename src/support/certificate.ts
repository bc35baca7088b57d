import {createPrivateKey, X509Certificate, type KeyObject} from 'node:crypto';
import {createSecureContext} from 'node:tls';

/** Why a certificate and a key cannot be used together. */
export type PairFault = 'NoCertificate' | 'NoKey' | 'Mismatch' | 'Unusable';

/** The certificate of a pair, both PEM, that a server can show; or what is wrong with it, which quotes none of it. */
export function readPair(cert: string, key: string): X509Certificate | PairFault {
  const certificate = parse(() => new X509Certificate(cert));
  if (!certificate) return 'NoCertificate';
  const privateKey = parse((): KeyObject => createPrivateKey(key));
  if (!privateKey) return 'NoKey';
  if (!certificate.checkPrivateKey(privateKey)) return 'Mismatch';
  if (!parse(() => createSecureContext({cert, key}))) return 'Unusable';
  return certificate;
}

/** Whether a text begins with a certificate in PEM form. */
export function isCertificate(text: string): boolean {
  return parse(() => new X509Certificate(text)) !== undefined;
}

/** The names that it is for, as the certificate writes them. */
export function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ');
}

/** SHA-256 over the certificate, lower-case hex: what openssl prints as its fingerprint. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** OpenSSL's message can quote what it could not decode, so it goes no further. */
function parse<T>(reader: () => T): T | undefined {
  try {
    return reader();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

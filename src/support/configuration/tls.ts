import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {codeOf} from '../error-code.ts';
import {namesOf, readPair} from '../certificate.ts';

/** Where the server's own certificate stands: TLS_CERT_PATH with its chain, TLS_KEY_PATH; both PEM. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** A certificate with its key, as they were read together. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 over both, hex: tells one pair from another. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** The names that it is for, as the certificate writes them. */
  readonly names: string;
}

/** What keeps a pair from being used. */
export interface TlsProblem {
  readonly variable: 'TLS_CERT_PATH' | 'TLS_KEY_PATH';
  readonly problem: string;
}

/** Reads the pair and checks that it is one. Never quotes what it read. */
export function readTlsPair(files: TlsFiles): TlsPair | TlsProblem {
  const cert = read(files.certPath, 'TLS_CERT_PATH');
  if (typeof cert !== 'string') return cert;
  const key = read(files.keyPath, 'TLS_KEY_PATH');
  if (typeof key !== 'string') return key;
  const certificate = readPair(cert, key);
  switch (certificate) {
    case 'NoCertificate':
      return problem('TLS_CERT_PATH', `the file ${files.certPath} holds no certificate in PEM form`);
    case 'NoKey':
      return problem(
        'TLS_KEY_PATH',
        `the file ${files.keyPath} holds no unencrypted private key in PEM form`,
      );
    case 'Mismatch':
      return problem(
        'TLS_KEY_PATH',
        `the key in ${files.keyPath} is not the certificate's in ${files.certPath}`,
      );
    case 'Unusable':
      return problem(
        'TLS_CERT_PATH',
        `OpenSSL does not accept the certificate in ${files.certPath} with its chain`,
      );
    default:
  }
  return {
    cert,
    key,
    id: createHash('sha256').update(`${cert.length}:${cert}${key}`).digest('hex'),
    notAfter: Date.parse(certificate.validTo),
    names: namesOf(certificate),
  };
}

function read(path: string, variable: TlsProblem['variable']): string | TlsProblem {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return problem(variable, `the file ${path} cannot be read (${codeOf(error)})`);
  }
}

function problem(variable: TlsProblem['variable'], text: string): TlsProblem {
  return {variable, problem: text};
}

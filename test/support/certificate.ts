import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

export interface TestCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** A self-signed P-256 certificate for that name, in NAME.crt and NAME.key of the directory. */
export function selfSigned(directory: string, name: string): TestCertificate {
  const certPath = join(directory, `${name}.crt`);
  const keyPath = join(directory, `${name}.key`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-keyout', keyPath, '-out', certPath, '-days', '2', ...subject],
    {
      stdio: 'ignore',
    },
  );
  return {certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8')};
}

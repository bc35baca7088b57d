import {execFile} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';

const run = promisify(execFile);

/** Certificates and kubeconfigs in a directory, made with openssl by whoever knows the directory. */
export class Pki {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  /** Makes the certificate authority. */
  async make(): Promise<void> {
    await this.#key('ca.key');
    const subject = ['-subj', '/CN=test-ca', '-days', '3', '-out', this.path('ca.crt')];
    await run('openssl', ['req', '-x509', '-new', '-key', this.path('ca.key'), ...subject]);
  }

  /** A certificate that the authority signs. */
  async certificate(name: string, subject: string, alternatives?: string): Promise<void> {
    const [key, request, certificate] = ['key', 'csr', 'crt'].map((suffix) => this.path(`${name}.${suffix}`));
    if (key === undefined || request === undefined || certificate === undefined) throw new TypeError(name);
    await this.#key(`${name}.key`);
    await run('openssl', ['req', '-new', '-key', key, '-subj', subject, '-out', request]);
    const extensions = `${name}.ext`;
    const names = alternatives === undefined ? '' : `subjectAltName=${alternatives}\n`;
    await writeFile(this.path(extensions), `extendedKeyUsage=serverAuth,clientAuth\n${names}`);
    const authority = ['-CA', this.path('ca.crt'), '-CAkey', this.path('ca.key')];
    const serial = ['-set_serial', `0x${randomBytes(8).toString('hex')}`];
    const output = ['-days', '3', '-extfile', this.path(extensions), '-out', certificate];
    await run('openssl', ['x509', '-req', '-in', request, ...authority, ...serial, ...output]);
  }

  /** A kubeconfig for a client certificate of that user; gives its path. */
  async kubeconfig(user: string, server: string, groups: readonly string[] = []): Promise<string> {
    const name = `user-${user.replaceAll(/[^\w-]/g, '-')}-${randomBytes(4).toString('hex')}`;
    await this.certificate(name, `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`);
    return this.#write(name, server);
  }

  async #write(name: string, server: string): Promise<string> {
    const [ca, certificate, key] = await Promise.all(
      ['ca.crt', `${name}.crt`, `${name}.key`].map(async (file) =>
        (await readFile(this.path(file))).toString('base64'),
      ),
    );
    const user = {'client-certificate-data': certificate, 'client-key-data': key};
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{name: 'test', cluster: {server, 'certificate-authority-data': ca}}],
      users: [{name, user}],
      contexts: [{name: 'test', context: {cluster: 'test', user: name}}],
    };
    const path = this.path(`${name}.kubeconfig`);
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  async #key(file: string): Promise<void> {
    await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', this.path(file)]);
  }
}

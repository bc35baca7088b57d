import {chmod, chown, copyFile, readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {Pki} from '../../support/pki.ts';
import {unprivilegedAccount} from '../../support/postgres-process.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {contentOf, databaseWith, temporaryDirectory} from './fixtures.ts';

let postgres: TestPostgres;
let root: string;
let authority: string;
beforeAll(async () => {
  root = await temporaryDirectory();
  // The server runs as another account, which must reach its key.
  await chmod(root, 0o755);
  const pki = new Pki(root);
  await pki.make();
  await pki.certificate('server', '/CN=localhost', 'DNS:localhost');
  authority = pki.path('ca.crt');
  const key = join(root, 'private.key');
  await copyFile(pki.path('server.key'), key);
  await chmod(key, 0o600);
  const account = unprivilegedAccount();
  if (account) await chown(key, account.uid, account.gid);
  postgres = await startPostgres();
  for (const setting of [
    `ssl_cert_file = '${pki.path('server.crt')}'`,
    `ssl_key_file = '${key}'`,
    'ssl = on',
  ]) {
    await postgres.asSuperuser(`ALTER SYSTEM SET ${setting}`);
  }
  await postgres.stop();
  await postgres.start();
});
afterAll(async () => {
  await postgres.close();
  await rm(root, {recursive: true});
});

describe('a server whose certificate Node can check is backed up and restored', () => {
  it.each([
    ['of sslmode=verify-full, by the authorities that Node knows', () => 'sslmode=verify-full'],
    ['of ssl=true, by the authorities that Node knows', () => 'ssl=true'],
    ['by the authority that the URL names', () => `sslmode=verify-full&sslrootcert=${authority}`],
  ])('%s', async (_name, query) => {
    const [source, target] = [await databaseWith(postgres, 20), await postgres.createDatabase()];
    const env = {
      BACKUP_DESTINATION: `file://${await temporaryDirectory()}`,
      HOME: root,
      // A place of its own, to see that nothing stays there.
      TMPDIR: await temporaryDirectory(),
      ...(query().includes('sslrootcert') ? {} : {NODE_EXTRA_CA_CERTS: authority}),
    };
    const encrypted = (url: string): string => `${url.replace('127.0.0.1', 'localhost')}?${query()}`;
    const saved = await runProgram(['backup'], {...env, DATABASE_URL: encrypted(source)});
    expect(saved.outcome).toMatchObject({ok: true, kind: 'backup'});
    const restored = await runProgram(['restore', '--from', 'latest'], {
      ...env,
      DATABASE_URL: encrypted(target),
    });
    expect(restored.outcome).toMatchObject({ok: true, kind: 'restore'});
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
    expect(await readdir(env.TMPDIR)).toEqual([]);
  });

  it('and one whose certificate nobody vouches for is not', async () => {
    const source = await databaseWith(postgres, 1);
    const run = await runProgram(['backup'], {
      DATABASE_URL: `${source.replace('127.0.0.1', 'localhost')}?sslmode=verify-full`,
      BACKUP_DESTINATION: `file://${await temporaryDirectory()}`,
    });
    expect(run.outcome).toMatchObject({ok: false, reason: 'DatabaseUnreachable'});
  });
});

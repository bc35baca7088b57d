import {chown, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {TestCertificate} from './certificate.ts';
import type {TestPostgres} from './postgres.ts';

// Only the tests' own superuser may still come without TLS.
const ACCESS = `hostssl all all all scram-sha-256
hostnossl all postgres 127.0.0.1/32 scram-sha-256
`;

/** Lets a server take connections over TLS alone, with that certificate for the next ones. */
export async function speakTls(
  postgres: TestPostgres,
  {cert, key}: Pick<TestCertificate, 'cert' | 'key'>,
): Promise<void> {
  const {rows} = await postgres.asSuperuser('SHOW data_directory');
  const directory = (rows[0] as {data_directory: string}).data_directory;
  const {uid, gid} = await stat(directory);
  for (const [name, text] of Object.entries({'server.crt': cert, 'server.key': key, 'pg_hba.conf': ACCESS})) {
    const path = join(directory, name);
    await writeFile(path, text, {mode: 0o600});
    await chown(path, uid, gid);
  }
  await postgres.asSuperuser('ALTER SYSTEM SET ssl = on');
  await postgres.asSuperuser('SELECT pg_reload_conf()');
}

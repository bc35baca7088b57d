import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import type {Manifest} from '../../../src/backup/manifest.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import type {TestPostgres} from '../../support/postgres.ts';
import {
  replaceData,
  rewrite,
  startRestore,
  startOrigin,
  takeBackups,
  type Backups,
  type Origin,
} from './backups.ts';
import {contentOf, contextFor, databaseWith, fakeTool, nameOf, relationsIn} from './fixtures.ts';

let origin: Origin;
let backups: Backups;
let postgres: TestPostgres;
let source: string;
let directory: string;
let target: string;
let newest: Manifest;
beforeAll(async () => {
  origin = await startOrigin();
  ({postgres, source} = origin);
});
afterAll(() => origin.close());
beforeEach(async () => {
  backups = await takeBackups(origin);
  ({directory, target, newest} = backups);
});

describe('restore takes everything back when', () => {
  it('the rows are not those of the manifest', async () => {
    await rewrite(backups, {rowCounts: {...newest.rowCounts, sessions: 101}});
    await expect(restoreBackup(contextFor(target, directory), newest.name)).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('restored _system.sessions holds 100 rows, the backup has 101'),
    });
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('a statement fails', async () => {
    await replaceData(backups, 'CREATE SCHEMA _system;\nCREATE TABLE _system.sessions ();\nSELECT 1 / 0;\n');
    await expect(restoreBackup(contextFor(target, directory), newest.name)).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('division by zero'),
    });
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('the server lacks an extension, which is named', async () => {
    await replaceData(backups, 'CREATE EXTENSION IF NOT EXISTS postgis_of_tests WITH SCHEMA public;\n');
    await expect(restoreBackup(contextFor(target, directory), newest.name)).rejects.toMatchObject({
      reason: 'RestoreFailed',
      hint: expect.stringContaining('Install the extension "postgis_of_tests" on the server'),
    });
  });

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGTERM'])('ended half-way by %s', async (signal) => {
    await replaceData(
      backups,
      'CREATE SCHEMA _system;\nCREATE TABLE _system.sessions ();\nSELECT pg_sleep(3);\nCREATE TABLE _system.more ();\n',
    );
    const {child, ended} = await startRestore(backups);
    await expect.poll(() => restoring(), {timeout: 20_000}).toBe(1);
    child.kill(signal);
    const run = await ended;
    expect(signal === 'SIGKILL' ? run.signal : run.outcome?.ok).toBe(
      signal === 'SIGKILL' ? 'SIGKILL' : false,
    );
    await expect.poll(() => restoring(), {timeout: 10_000}).toBe(0);
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('ended while it is committed', async () => {
    const slow = `
      CREATE SCHEMA _system;
      CREATE TABLE _system.sessions ();
      CREATE FUNCTION _system.slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(5); RETURN NULL; END$$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON _system.sessions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION _system.slow();
      INSERT INTO _system.sessions DEFAULT VALUES;
`;
    await replaceData(backups, slow, {rowCounts: {sessions: 1}});
    const {child, ended} = await startRestore(backups);
    await expect.poll(() => restoring('COMMIT'), {timeout: 20_000}).toBe(1);
    child.kill('SIGTERM');
    const {outcome} = await ended;
    expect(outcome).toMatchObject({ok: false, message: expect.stringContaining('stopped by SIGTERM')});
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  async function restoring(statement = 'pg_sleep'): Promise<number> {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::int AS found FROM pg_stat_activity
        WHERE datname = '${nameOf(target)}' AND application_name = 'fraiseql-auth restore'
          AND query LIKE '%${statement}%' AND state <> 'idle'`,
    );
    return (rows[0] as {found: number}).found;
  }
});

describe('a restore that is committed is done', () => {
  it('though psql dies after it', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; kill -9 $$', 'psql');
    const {ended} = await startRestore(backups, fake);
    expect((await ended).outcome).toMatchObject({ok: true, kind: 'restore'});
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it('though the process is told to stop before it has heard of it', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; exec sleep 60', 'psql');
    const {child, ended} = await startRestore(backups, fake);
    await expect.poll(() => relationsIn(postgres, target), {timeout: 20_000}).toBeGreaterThan(0);
    child.kill('SIGTERM');
    expect((await ended).outcome).toMatchObject({ok: true, kind: 'restore'});
  });

  it('which nobody knows while the database is away: that is said, and not that it was stopped', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; exec sleep 60', 'psql');
    const {child, ended} = await startRestore(backups, fake);
    await expect.poll(() => relationsIn(postgres, target), {timeout: 20_000}).toBeGreaterThan(0);
    try {
      await postgres.stop();
      child.kill('SIGTERM');
      expect((await ended).outcome).toMatchObject({
        ok: false,
        reason: 'RestoreFailed',
        message: expect.stringContaining('cannot be asked whether it took it'),
        hint: expect.stringContaining('the restore is done'),
      });
    } finally {
      await postgres.start();
    }
  });

  it('though its tables cannot be analysed, of which it warns', async () => {
    const url = await databaseWith(postgres, 5);
    await postgres.asSuperuser(
      `SET ROLE fraiseql_app;
       CREATE FUNCTION public.fragile(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
         $$BEGIN IF current_query() LIKE 'ANALYZE%' THEN RAISE EXCEPTION 'no numbers'; END IF; RETURN 1; END$$;
       CREATE INDEX ON _system.sessions (public.fragile(user_id))`,
      nameOf(url),
    );
    const {manifest} = await takeBackup(contextFor(url, directory));
    const {warning} = await restoreBackup(contextFor(target, directory), manifest.name);
    expect(warning).toMatch(/ANALYZE failed.*no numbers/);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, url));
  });

  it('and not where psql only says so', async () => {
    const fake = await fakeTool(postgres, 'head -c 1 >/dev/null; exit 0', 'psql');
    const {ended} = await startRestore(backups, fake);
    expect((await ended).outcome).toMatchObject({ok: false, reason: 'RestoreFailed'});
    expect(await relationsIn(postgres, target)).toBe(0);
  });
});

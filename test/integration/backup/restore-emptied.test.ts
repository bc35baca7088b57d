import {Client} from 'pg';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import type {TestPostgres} from '../../support/postgres.ts';
import {dumpSchema, migration} from '../database/fixtures.ts';
import {startOrigin, takeBackups, type Origin} from './backups.ts';
import {contentOf, contextFor, databaseWith, nameOf, until} from './fixtures.ts';

let origin: Origin;
let postgres: TestPostgres;
let directory: string;
let target: string;
beforeAll(async () => {
  origin = await startOrigin();
  ({postgres} = origin);
});
afterAll(() => origin.close());
beforeEach(async () => {
  ({directory, target} = await takeBackups(origin));
});

describe('a database that was emptied and migrated again', () => {
  beforeEach(async () => {
    await migrateDatabase(migration(target));
  });

  it('takes the backup, all sessions the same', async () => {
    const lost = await databaseWith(postgres, 50);
    const before = await contentOf(postgres, lost);
    const {manifest} = await takeBackup(contextFor(lost, directory));
    await postgres.asSuperuser('DROP SCHEMA _system CASCADE', nameOf(lost));
    await migrateDatabase(migration(lost));
    await restoreBackup(contextFor(lost, directory), manifest.name);
    expect(await contentOf(postgres, lost)).toBe(before);
    expect(await migrateDatabase(migration(lost))).toMatchObject({applied: []});
    await expect(dumpSchema(postgres, lost)).toMatchFileSnapshot('../database/schema.snapshot.sql');
  });

  it.each([
    ['a row', 'INSERT INTO _system.logout_tokens VALUES ($$x$$, now())', /rows in _system\.logout_tokens/],
    ['a table of somebody else', 'CREATE TABLE _system.notes ()', /\(_system\.notes\)/],
    [
      'a function of somebody else',
      'CREATE FUNCTION _system.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      /_system\.f\(\)/,
    ],
  ])('but not with %s in it', async (_name, sql, message) => {
    await postgres.asSuperuser(`SET ROLE fraiseql_app; ${sql}`, nameOf(target));
    const before = dumpSchema(postgres, target);
    await expect(restoreBackup(contextFor(target, directory), 'latest')).rejects.toMatchObject({
      reason: 'RestoreTargetNotEmpty',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('DROP SCHEMA _system CASCADE'),
    });
    expect(dumpSchema(postgres, target)).toBe(before);
  });

  it('nor with a row that comes while it is looked at', async () => {
    const writer = new Client({connectionString: target});
    await writer.connect();
    try {
      await writer.query(`BEGIN; INSERT INTO _system.logout_tokens VALUES ('x', now())`);
      const restoring = restoreBackup(contextFor(target, directory), 'latest').then(
        () => undefined,
        (error: unknown) => error,
      );
      await until(async () => {
        const {rowCount} = await postgres.asSuperuser(
          `SELECT 1 FROM pg_stat_activity WHERE datname = '${nameOf(target)}' AND wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      });
      await writer.query('COMMIT');
      expect(await restoring).toMatchObject({
        reason: 'RestoreFailed',
        message: expect.stringContaining('rows came into schema _system meanwhile'),
      });
      const {rowCount} = await writer.query('SELECT 1 FROM _system.logout_tokens');
      expect(rowCount).toBe(1);
    } finally {
      await writer.end();
    }
  });

  it('nor where somebody made something that depends on it', async () => {
    await postgres.asSuperuser(
      'CREATE VIEW public.who AS SELECT user_id FROM _system.sessions',
      nameOf(target),
    );
    await expect(restoreBackup(contextFor(target, directory), 'latest')).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('other objects depend on them'),
    });
  });
});

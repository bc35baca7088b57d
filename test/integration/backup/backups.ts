// What the tests of a restore begin with, and what they do to the files of a backup.
import {createHash} from 'node:crypto';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {takeBackup} from '../../../src/backup/backup.ts';
import type {Manifest} from '../../../src/backup/manifest.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram} from '../../support/program.ts';
import {clockAt, contextFor, databaseWith, DAY, temporaryDirectory} from './fixtures.ts';

/** A server of its own, and in it a database of 100 sessions. */
export interface Origin {
  readonly postgres: TestPostgres;
  /** Where the directories of backups are made. */
  readonly root: string;
  readonly source: string;
  close(): Promise<void>;
}

export async function startOrigin(): Promise<Origin> {
  const postgres = await startPostgres();
  const root = await temporaryDirectory();
  return {
    postgres,
    root,
    source: await databaseWith(postgres, 100),
    async close() {
      await postgres.close();
      await rm(root, {recursive: true});
    },
  };
}

/** Two backups of that database in a directory of their own, and an empty database to restore into. */
export interface Backups {
  readonly directory: string;
  readonly target: string;
  readonly older: Manifest;
  readonly newest: Manifest;
}

export async function takeBackups({postgres, root, source}: Origin): Promise<Backups> {
  const directory = join(root, Math.random().toString(36).slice(2));
  const target = await postgres.createDatabase();
  const older = await takeBackup(contextFor(source, directory, {clock: clockAt(Date.now() - DAY)}));
  const newest = await takeBackup(contextFor(source, directory));
  return {directory, target, older: older.manifest, newest: newest.manifest};
}

export const dataOf = ({directory}: Backups, {name}: Manifest): string => join(directory, `${name}.sql.gz`);
export const manifestOf = ({directory}: Backups, {name}: Manifest): string =>
  join(directory, `${name}.manifest.json`);

/** Changes what the newest backup's manifest says. */
export async function rewrite(backups: Backups, change: Partial<Manifest>): Promise<void> {
  const {newest} = backups;
  await writeFile(manifestOf(backups, newest), JSON.stringify({...newest, ...change}));
}

/** Replaces the newest backup's data, manifest and all, as who controls the storage could. */
export async function replaceData(
  backups: Backups,
  sql: string,
  change: Partial<Manifest> = {},
): Promise<void> {
  const data = gzipSync(sql);
  await writeFile(dataOf(backups, backups.newest), data);
  const sha256 = createHash('sha256').update(data).digest('hex');
  await rewrite(backups, {sizeBytes: data.length, sha256, ...change});
}

/** `fraiseql-auth restore` of the newest into the target, with the programs of that directory before all others. */
export function startRestore(
  {directory, target, newest}: Backups,
  programs?: string,
): ReturnType<typeof startProgram> {
  return startProgram(['restore', '--from', newest.name], {
    DATABASE_URL: target,
    BACKUP_DESTINATION: `file://${directory}`,
    ...(programs !== undefined && {PATH: `${programs}:${process.env['PATH'] ?? ''}`}),
  });
}

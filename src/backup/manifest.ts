import {randomBytes} from 'node:crypto';
import {z} from 'zod';
import {BackupError} from './errors.ts';

/** What this program writes and reads. */
const VERSION = 1;

/** A table's name, in which PostgreSQL takes any character. */
const tableName = z.string().min(1).max(63);

/**
 * What is known of a backup, written beside it when it is complete: where there is no manifest there is no backup.
 * Times are ISO 8601 in UTC. `sizeBytes` and `sha256` are of the stored, compressed object. `rowCounts` are those of
 * the dump's own snapshot, by table of schema `_system`.
 */
const manifestSchema = z.object({
  version: z.literal(VERSION),
  name: z.string(),
  instance: z.string(),
  startedAt: z.iso.datetime(),
  completedAt: z.iso.datetime(),
  sizeBytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  format: z.literal('plain'),
  compression: z.literal('gzip'),
  schemaVersion: z.string().regex(/^\d+$/),
  serverVersion: z.string().regex(/^\d+/),
  pgDumpVersion: z.string(),
  programVersion: z.string(),
  rowCounts: z.record(tableName, z.int().min(0)),
});
/** What stands beside a dump, and alone makes it a backup. */
export type Manifest = z.infer<typeof manifestSchema>;

const DATA = '.sql.gz';
const MANIFEST = '.manifest.json';

export const dataName = (name: string): string => `${name}${DATA}`;
export const manifestName = (name: string): string => `${name}${MANIFEST}`;

/**
 * The name of a backup that starts now: `prefix_YYYYMMDD_HHMMSS_xxxxxxxx`, in UTC. The end is random, so that two
 * that start in the same second do not meet.
 */
export function newName(prefix: string, now: number): string {
  const digits = new Date(now).toISOString().replaceAll(/\D/g, '');
  return `${prefix}_${digits.slice(0, 8)}_${digits.slice(8, 14)}_${randomBytes(4).toString('hex')}`;
}

/** What an object of this instance's is, by its name; undefined for everything else, which is never touched. */
export function ownObject(
  prefix: string,
  object: string,
): {name: string; kind: 'data' | 'manifest'} | undefined {
  if (!object.startsWith(`${prefix}_`)) return undefined;
  const match = /^(\d{8}_\d{6}_[0-9a-f]{8})(\.sql\.gz|\.manifest\.json)$/.exec(
    object.slice(prefix.length + 1),
  );
  if (!match) return undefined;
  return {name: `${prefix}_${match[1]}`, kind: match[2] === DATA ? 'data' : 'manifest'};
}

/** The instance that a manifest is of, by the name of the object; undefined for every other object. */
export function instanceOf(object: string): string | undefined {
  return /^(.+)_\d{8}_\d{6}_[0-9a-f]{8}\.manifest\.json$/.exec(object)?.[1];
}

/** The backup that a person means by its name, with or without an ending or the place before it. */
export function nameFrom(text: string): string {
  const last = text.slice(text.lastIndexOf('/') + 1);
  for (const ending of [DATA, MANIFEST]) if (last.endsWith(ending)) return last.slice(0, -ending.length);
  return last;
}

/** What every version says of itself. */
const versioned = z.object({version: z.int(), programVersion: z.string().optional().catch(undefined)});

/** Reads a manifest; throws BackupError: ChecksumMismatch where it is damaged, BackupTooNew where a later program wrote it. */
export function parseManifest(name: string, text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw damaged(name, 'it is not JSON', error);
  }
  const said = versioned.safeParse(json);
  if (said.success && said.data.version > VERSION) throw tooNew(name, said.data.programVersion);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw damaged(name, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`, parsed.error);
  }
  if (parsed.data.name !== name) throw damaged(name, `it belongs to ${parsed.data.name}`);
  return parsed.data;
}

function tooNew(name: string, program: string | undefined): BackupError {
  return new BackupError(
    'BackupTooNew',
    `backup ${name} was made by a newer version${program === undefined ? '' : `, ${program}`}`,
    'Use the image of that version or a later one.',
  );
}

function damaged(name: string, problem: string, cause?: unknown): BackupError {
  return new BackupError(
    'ChecksumMismatch',
    `the manifest of backup ${name} is damaged: ${problem}`,
    'Take another backup: `--from latest` takes the newest good one.',
    cause,
  );
}

import {createReadStream} from 'node:fs';
import {access, constants, mkdir, open, readdir, rename, rm, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {codeOf} from '../support/error-code.ts';
import {BackupError, NoRoomError} from './errors.ts';
import type {Store, StoredObject} from './store.ts';
import {chunksOf} from './streams.ts';

/** The ending of a file that is still being written. */
const PARTIAL = '.partial';

/** Backups in a directory: a mounted volume, say. */
export class FileStore implements Store {
  readonly place: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.place = pathToFileURL(directory).href;
  }

  location(name: string): string {
    return pathToFileURL(join(this.#directory, name)).href;
  }

  async check(use: 'read' | 'write'): Promise<void> {
    await this.#storage(async () => {
      // A directory made for reading would be an empty one: where it is missing, it is the wrong one or is not mounted.
      if (use === 'write') await mkdir(this.#directory, {recursive: true});
      const write = use === 'write' ? constants.W_OK : 0;
      await access(this.#directory, constants.R_OK | constants.X_OK | write);
    });
  }

  list(prefix: string): Promise<StoredObject[]> {
    return this.#storage(async () => {
      const objects: StoredObject[] = [];
      for (const name of await readdir(this.#directory)) {
        if (!name.startsWith(prefix) || name.endsWith(PARTIAL)) continue;
        const found = await statOf(join(this.#directory, name));
        if (found) objects.push({name, ...found});
      }
      return objects;
    });
  }

  async write(name: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const final = join(this.#directory, name);
    const partial = `${final}${PARTIAL}`;
    const file = await this.#storage(() => open(partial, 'wx', 0o600));
    try {
      try {
        for await (const chunk of content) {
          signal.throwIfAborted();
          await this.#storage(() => file.appendFile(chunk));
        }
        signal.throwIfAborted();
        await this.#storage(() => file.sync());
      } catch (error) {
        await quietly(file.close());
        throw error;
      }
      await this.#storage(() => file.close());
      // Only a whole file ever bears the name. The name is unique, so nothing is replaced.
      await this.#storage(() => rename(partial, final));
    } catch (error) {
      await quietly(rm(partial, {force: true}));
      throw error;
    }
    await this.#storage(() => syncDirectory(this.#directory));
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const path = join(this.#directory, name);
    const found = await this.#storage(() => statOf(path));
    if (!found) return undefined;
    const stream = createReadStream(path, {highWaterMark: 256 * 1024});
    return chunksOf(stream, (error) => this.#unavailable(error));
  }

  async remove(name: string): Promise<void> {
    await this.#storage(() => rm(join(this.#directory, name), {force: true}));
  }

  sweep(own: (name: string) => boolean, before: number): Promise<number> {
    return this.#storage(async () => {
      let removed = 0;
      for (const name of await readdir(this.#directory)) {
        if (!name.endsWith(PARTIAL) || !own(name.slice(0, -PARTIAL.length))) continue;
        const path = join(this.#directory, name);
        const found = await statOf(path);
        if (!found || found.modifiedAt >= before) continue;
        await unlink(path);
        removed++;
      }
      return removed;
    });
  }

  async close(): Promise<void> {}

  async #storage<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(error: unknown): BackupError {
    const code = codeOf(error);
    const what = PROBLEMS[code] ?? (error instanceof Error ? error.message : 'unknown error');
    const message = `the backup directory ${this.#directory} cannot be used: ${what}`;
    const more = MORE_ROOM[code];
    if (more !== undefined) return new NoRoomError(message, more, error);
    return new BackupError(
      'BackupStorageUnavailable',
      message,
      REMEDIES[code] ??
        'Check the volume that is mounted there, and BACKUP_DESTINATION (spec.backup.destination.pvc).',
      error,
    );
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left (ENOSPC)',
  EDQUOT: 'the quota is used up (EDQUOT)',
  EACCES: 'permission denied (EACCES)',
  EPERM: 'not permitted (EPERM)',
  EROFS: 'it is read-only (EROFS)',
  ENOENT: 'it does not exist (ENOENT)',
  ENOTDIR: 'it is not a directory (ENOTDIR)',
  // What mkdir says where a file stands.
  EEXIST: 'it is not a directory (EEXIST)',
  EFBIG: 'the backup is larger than a file may be there (EFBIG)',
  EIO: 'the disk reports an error (EIO)',
};

/** What gives a place more room that is full. */
const MORE_ROOM: Readonly<Record<string, string>> = {
  ENOSPC: 'Enlarge the volume',
  EDQUOT: 'Raise the quota',
};

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES:
    'Make the directory writable for this user; in a pod set fsGroup to the group that owns the volume.',
  EROFS: 'Mount a writable volume there and name it in BACKUP_DESTINATION (spec.backup.destination.pvc).',
  EEXIST: 'Name a directory in BACKUP_DESTINATION, or move the file out of the way.',
  EFBIG:
    'Raise the limit (`ulimit -f`), or use a file system that holds larger files, or a bucket. The backups that are there are untouched.',
};

/** Waits for what is done after a failure: that is what matters, and what stays here a later run sweeps. */
async function quietly(cleaning: Promise<void>): Promise<void> {
  await cleaning.catch(() => undefined);
}

async function statOf(path: string): Promise<{sizeBytes: number; modifiedAt: number} | undefined> {
  try {
    const {size, mtimeMs} = await stat(path);
    return {sizeBytes: size, modifiedAt: mtimeMs};
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the new name last through a power cut. Some network file systems cannot, and say so. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EISDIR') throw error;
  } finally {
    await handle.close();
  }
}

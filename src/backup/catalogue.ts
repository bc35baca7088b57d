import {BackupError} from './errors.ts';
import {dataName, instanceOf, manifestName, ownObject, parseManifest, type Manifest} from './manifest.ts';
import {expired, newestOf, SKEW_MS, type GoodBackup} from './retention.ts';
import type {Store} from './store.ts';

/** What a store holds of one instance. */
export interface Catalogue {
  readonly good: readonly (GoodBackup & {readonly manifest: Manifest})[];
  /** Manifests that cannot be read, or whose data is missing or of another size. Never removed: a person must look. */
  readonly damaged: readonly {readonly name: string; readonly problem: string}[];
  /** Those that a later version made, and why they cannot be read. Never removed either. */
  readonly tooNew: readonly {readonly name: string; readonly error: BackupError}[];
  /** Data without a manifest: a backup that broke off, or one that is being made. */
  readonly incomplete: readonly {readonly name: string; readonly modifiedAt: number}[];
}

/** How long what broke off is left alone: a backup may still be at work on it. */
const LEFTOVER_MS = 86_400_000;
const MANIFEST_LIMIT = 64 * 1024;

/** Reads what the store holds of that instance, and nothing else. */
export async function readCatalogue(store: Store, instance: string, signal: AbortSignal): Promise<Catalogue> {
  const data = new Map<string, {sizeBytes: number; modifiedAt: number}>();
  const manifests = new Map<string, number>();
  for (const object of await store.list(`${instance}_`)) {
    const own = ownObject(instance, object.name);
    if (own?.kind === 'data') data.set(own.name, object);
    else if (own) manifests.set(own.name, object.modifiedAt);
  }
  const good: (GoodBackup & {manifest: Manifest})[] = [];
  const damaged: {name: string; problem: string}[] = [];
  const tooNew: {name: string; error: BackupError}[] = [];
  for (const [name, writtenAt] of [...manifests].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const stored = data.get(name);
    data.delete(name);
    try {
      const manifest = await readManifest(store, name, signal);
      // One that says itself that it is of another instance is neither the newest of this one nor past its time.
      if (!manifest || manifest.instance !== instance) continue;
      if (!stored) damaged.push({name, problem: 'its data is missing'});
      else if (stored.sizeBytes !== manifest.sizeBytes) {
        damaged.push({name, problem: `its data has ${stored.sizeBytes} bytes, not ${manifest.sizeBytes}`});
      } else {
        // It was complete before its manifest was written: a clock that says otherwise was ahead.
        good.push({name, completedAt: Math.min(Date.parse(manifest.completedAt), writtenAt), manifest});
      }
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      if (error.reason === 'BackupTooNew') tooNew.push({name, error});
      else if (error.reason === 'ChecksumMismatch') damaged.push({name, problem: error.message});
      else throw error;
    }
  }
  const incomplete = [...data].map(([name, {modifiedAt}]) => ({name, modifiedAt}));
  return {good, damaged, tooNew, incomplete};
}

/** The instances that the store holds backups of, by the names of these; sorted. */
export async function instancesIn(store: Store): Promise<string[]> {
  const found = (await store.list('')).map(({name}) => instanceOf(name));
  return [...new Set(found.filter((each) => each !== undefined))].sort();
}

/** The manifest of a backup; undefined where there is none. */
export async function readManifest(
  store: Store,
  name: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const content = await store.read(manifestName(name), signal);
  if (!content) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > MANIFEST_LIMIT) break;
    chunks.push(chunk);
  }
  return parseManifest(name, Buffer.concat(chunks).toString('utf8'));
}

/** What retention removed, by name, and what it could not do and why, a sentence each. */
export interface Removal {
  readonly removed: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Removes the backups past their time, and what broke off more than a day ago; nothing where the store's clock is behind
 * and all seems old. The manifest goes first: if this ends in between, what is left is an incomplete backup that a later
 * run removes. Never throws: the backup before it is good.
 */
export async function removeExpired(
  store: Store,
  instance: string,
  options: {now: number; retentionMs: number; signal: AbortSignal},
): Promise<Removal> {
  const removed: string[] = [];
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(`${what} could not be removed: ${inWords(error)}`);
    }
  };
  let behindMs = 0;
  await attempt('old backups', async () => {
    const catalogue = await readCatalogue(store, instance, options.signal);
    behindMs = storeBehindMs(catalogue, options.now);
    if (behindMs > SKEW_MS) {
      const minutes = Math.round(behindMs / 60_000);
      problems.push(
        `no old backup was removed: by the storage's clock the newest was complete ${minutes} minutes earlier than by that of the machine that made it. Correct whichever is wrong.`,
      );
      return;
    }
    for (const {name} of expired(catalogue.good, options.now, options.retentionMs)) {
      options.signal.throwIfAborted();
      await store.remove(manifestName(name));
      await store.remove(dataName(name));
      removed.push(name);
    }
    for (const {name, modifiedAt} of catalogue.incomplete) {
      if (options.now - modifiedAt <= LEFTOVER_MS) continue;
      options.signal.throwIfAborted();
      await store.remove(dataName(name));
      removed.push(name);
    }
    if (catalogue.damaged.length > 0) problems.push(toLookAt(catalogue.damaged));
  });
  if (behindMs > SKEW_MS) return {removed, problems};
  await attempt('what interrupted backups left', async () => {
    await store.sweep((name) => ownObject(instance, name) !== undefined, options.now - LEFTOVER_MS);
  });
  return {removed, problems};
}

/** How much earlier than its manifest says the newest backup was complete by the store's clock. */
function storeBehindMs({good}: Catalogue, now: number): number {
  const newest = newestOf(good, now);
  return newest ? Date.parse(newest.manifest.completedAt) - newest.completedAt : 0;
}

/** Nobody would look at what is never removed, were it not told. */
function toLookAt(damaged: Catalogue['damaged']): string {
  const [first] = damaged;
  const which = damaged.length === 1 ? `backup ${first?.name} is` : `${damaged.length} backups are`;
  const example = damaged.length === 1 ? '' : ` (${first?.name}, for example)`;
  return `${which} damaged${example}: ${first?.problem}. Check the storage, and remove there what is of no use.`;
}

function inWords(error: unknown): string {
  if (error instanceof BackupError) return `${error.message}. ${error.hint}`;
  return error instanceof Error ? error.message : 'unknown error';
}

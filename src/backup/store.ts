/** An object as a listing shows it. */
export interface StoredObject {
  readonly name: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly modifiedAt: number;
}

/**
 * Where backups are kept: a directory or a bucket. Names are flat. Every method throws
 * BackupError(BackupStorageUnavailable) where the store cannot be used, with what to do.
 */
export interface Store {
  /** The place as the user wrote it, for messages. */
  readonly place: string;
  /** Where an object of that name is, as a URL. */
  location(name: string): string;
  /** Fails where the place is missing or may not be used so: asked before anything is done. Who writes may make it. */
  check(use: 'read' | 'write'): Promise<void>;
  /** The objects whose names begin so. */
  list(prefix: string): Promise<StoredObject[]>;
  /**
   * Writes all of it or nothing: where `content` throws or the signal aborts, no object of that name is left. Of a
   * dump, the size of its database goes with it: a bucket wants to know beforehand how much may come.
   */
  write(
    name: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    databaseBytes?: number,
  ): Promise<void>;
  /** The object's bytes, or undefined where there is none of that name. */
  read(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes one; that it is gone already is success. */
  remove(name: string): Promise<void>;
  /** Removes what writes of `own` objects that broke off before that time have left; returns how many. */
  sweep(own: (name: string) => boolean, before: number): Promise<number>;
  close(): Promise<void>;
}

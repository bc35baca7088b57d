import {Readable} from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import {Upload} from '@aws-sdk/lib-storage';
import {BackupError} from './errors.ts';
import {explainS3} from './s3-errors.ts';
import {LEAST_PART_BYTES, MAX_PARTS, partsFor, within} from './s3-parts.ts';
import type {S3Destination} from './settings.ts';
import type {Store, StoredObject} from './store.ts';
import {chunksOf} from './streams.ts';

/** How long a request may take; where it brings a part, one of the least size. */
const REQUEST_MS = 60_000;
/** How long an aborted upload may take to say goodbye; what it leaves is swept by a later run. */
const FAREWELL_MS = 10_000;

/** Backups in a bucket of S3 or of a server that speaks its protocol. */
export class S3Store implements Store {
  readonly place: string;
  readonly #destination: S3Destination;
  readonly #client: S3Client;
  readonly #folder: string;
  readonly #maxParts: number;

  constructor(destination: S3Destination, maxParts = MAX_PARTS) {
    const {bucket, prefix} = destination;
    this.#destination = destination;
    this.#folder = prefix === '' ? '' : `${prefix}/`;
    this.#maxParts = maxParts;
    this.place = `s3://${bucket}/${prefix}`;
    this.#client = this.#connect(REQUEST_MS);
  }

  #connect(requestTimeout: number): S3Client {
    const {endpoint, region, forcePathStyle, credentials} = this.#destination;
    const ourRegion = region ?? (endpoint ? 'us-east-1' : undefined);
    return new S3Client({
      ...(ourRegion ? {region: ourRegion} : {}),
      ...(endpoint ? {endpoint} : {}),
      ...(credentials ? {credentials} : {}),
      forcePathStyle,
      maxAttempts: 4,
      requestHandler: {connectionTimeout: 5_000, requestTimeout, throwOnRequestTimeout: true},
      // Other servers than Amazon's often do not know its newer checksums. What is stored is read again and compared.
      requestChecksumCalculation: endpoint ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
      responseChecksumValidation: endpoint ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    });
  }

  location(name: string): string {
    return `s3://${this.#destination.bucket}/${this.#key(name)}`;
  }

  async check(): Promise<void> {
    await this.#storage(() =>
      this.#client.send(
        new ListObjectsV2Command({Bucket: this.#destination.bucket, Prefix: this.#folder, MaxKeys: 1}),
      ),
    );
  }

  list(prefix: string): Promise<StoredObject[]> {
    return this.#storage(async () => {
      const objects: StoredObject[] = [];
      let token: string | undefined;
      do {
        const page = await this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#destination.bucket,
            Prefix: this.#key(prefix),
            // What lies in folders below is not ours.
            Delimiter: '/',
            ...(token ? {ContinuationToken: token} : {}),
          }),
        );
        for (const {Key, Size, LastModified} of page.Contents ?? []) {
          const name = Key?.slice(this.#folder.length);
          if (!name) continue;
          objects.push({name, sizeBytes: Size ?? 0, modifiedAt: LastModified?.getTime() ?? 0});
        }
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token);
      return objects;
    });
  }

  async write(
    name: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    databaseBytes = 0,
  ): Promise<void> {
    const parts = partsFor(databaseBytes);
    const bounded = within(content, parts, this.#maxParts);
    let broken: Error | undefined;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of bounded) {
          signal.throwIfAborted();
          yield chunk;
        }
        signal.throwIfAborted();
      } catch (error) {
        broken = error instanceof Error ? error : new Error('the content broke off', {cause: error});
        throw broken;
      }
    }
    const body = Readable.from(watched(), {objectMode: false});
    const larger = parts.bytes / LEAST_PART_BYTES;
    const client = larger > 1 ? this.#connect(REQUEST_MS * larger) : this.#client;
    const upload = new Upload({
      client,
      partSize: parts.bytes,
      queueSize: 2,
      params: {
        Bucket: this.#destination.bucket,
        Key: this.#key(name),
        Body: body,
        ContentType: name.endsWith('.json') ? 'application/json' : 'application/gzip',
      },
    });
    const done = upload.done();
    try {
      await untilAborted(done, signal, body);
    } catch (error) {
      body.destroy();
      if (signal.aborted) throw signal.reason;
      // Where the storage broke first, it is the cause of what befell the content after it.
      if (broken && error === broken) throw broken;
      throw this.#unavailable(error);
    } finally {
      if (client !== this.#client) client.destroy();
    }
  }

  async read(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({Bucket: this.#destination.bucket, Key: this.#key(name)}),
        {abortSignal: signal},
      );
      return chunksOf(answer.Body as Readable, (error) => this.#unavailable(error));
    } catch (error) {
      if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound'))
        return undefined;
      if (signal.aborted) throw signal.reason;
      throw this.#unavailable(error);
    }
  }

  async remove(name: string): Promise<void> {
    await this.#storage(() =>
      this.#client.send(new DeleteObjectCommand({Bucket: this.#destination.bucket, Key: this.#key(name)})),
    );
  }

  sweep(own: (name: string) => boolean, before: number): Promise<number> {
    return this.#storage(async () => {
      const {bucket: Bucket} = this.#destination;
      const uploads: {Key: string; UploadId: string}[] = [];
      let KeyMarker: string | undefined;
      do {
        const page: ListMultipartUploadsCommandOutput = await this.#client.send(
          new ListMultipartUploadsCommand({Bucket, Prefix: this.#folder, ...(KeyMarker ? {KeyMarker} : {})}),
        );
        for (const {Key, UploadId, Initiated} of page.Uploads ?? []) {
          if (!Key || !UploadId || !own(Key.slice(this.#folder.length))) continue;
          if (Initiated && Initiated.getTime() < before) uploads.push({Key, UploadId});
        }
        // The name alone says where to go on: there are no two uploads to one.
        KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
      } while (KeyMarker);
      for (const upload of uploads) {
        await this.#client.send(new AbortMultipartUploadCommand({Bucket, ...upload}));
      }
      return uploads.length;
    });
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #key(name: string): string {
    return `${this.#folder}${name}`;
  }

  async #storage<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(error: unknown): BackupError {
    return error instanceof BackupError ? error : explainS3(error, this.#destination);
  }
}

/** The upload's end; once the signal aborts, its content breaks off and it has a while left to clean up. */
async function untilAborted(done: Promise<unknown>, signal: AbortSignal, body: Readable): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const abandoned = new Promise<never>((_resolve, reject) => {
    giveUp = () => {
      body.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      timer = setTimeout(() => reject(new Error('the upload did not end')), FAREWELL_MS);
    };
  });
  const onAbort = (): void => giveUp?.();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, {once: true});
  try {
    await Promise.race([done, abandoned]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

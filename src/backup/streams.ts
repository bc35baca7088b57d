import {createHash} from 'node:crypto';
import type {Duplex, Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';

/** Counts and digests what passes through. */
export class Meter {
  readonly #hash = createHash('sha256');
  #size = 0;

  async *through(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      this.#hash.update(chunk);
      this.#size += chunk.length;
      yield chunk;
    }
  }

  /** Of all that has passed; asked once, at the end. */
  total(): {sizeBytes: number; sha256: string} {
    return {sizeBytes: this.#size, sha256: this.#hash.digest('hex')};
  }
}

/**
 * The content as it comes out of a transform such as gzip. An error of either is thrown here; and when this returns,
 * however it does, the content has come to its own end.
 */
export async function* transformed(
  content: AsyncIterable<Uint8Array>,
  transform: Duplex,
): AsyncGenerator<Uint8Array> {
  const pumped = pipeline(content, transform).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error('the stream broke', {cause: error})),
  );
  try {
    for await (const chunk of transform) yield chunk as Uint8Array;
    const error = await pumped;
    if (error) throw error;
  } finally {
    transform.destroy();
    await pumped;
  }
}

/** The content of a store's stream. Where it breaks off, what is thrown is the error as the store explains it. */
export async function* chunksOf(
  stream: Readable,
  explain: (error: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw explain(error);
  }
}

/** Reads all of it and keeps nothing. */
export async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of content) void chunk;
}

/** A text as content. */
export async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

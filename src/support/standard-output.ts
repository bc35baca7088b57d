import {writeSync} from 'node:fs';
import {codeOf} from './error-code.ts';

/** Takes whole lines. */
export interface LineWriter {
  write(line: string): unknown;
}

/** How long a reader may take nothing before its lines are dropped; a log's collector may be slow, and loses none then. */
const STALL_MS = 5_000;
const NAP_MS = 10;

/**
 * Writes whole lines to a file descriptor before it returns, and never throws: a log that cannot be written must not end
 * what it is the log of. A line that is not taken (the disk is full, the reader is gone) is dropped and counted, and
 * standard error is told when that begins and when it is over. In an audit trail the gap shows: each entry names the one
 * before.
 */
export class LineOutput implements LineWriter {
  readonly #put: (bytes: Uint8Array) => number;
  readonly #say: (text: string) => void;
  readonly #naps: number;
  #lost = 0;
  #failing = false;
  /** A line stands half written: the next must not become its end. */
  #torn = false;

  constructor(put = onto(1), say = onStandardError, stallMs = STALL_MS) {
    this.#put = put;
    this.#say = say;
    this.#naps = stallMs / NAP_MS;
  }

  /** Lines that were not written, or not to their end. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    let rest: Uint8Array = Buffer.from(this.#torn ? `\n${line}` : line);
    let naps = 0;
    while (rest.length > 0) {
      try {
        const taken = this.#put(rest);
        if (taken > 0) {
          this.#torn = true;
          naps = 0;
        }
        rest = rest.subarray(taken);
      } catch (error) {
        // A pipe that is full. Who has read nothing for so long is not waited for again until it reads.
        if (codeOf(error) !== 'EAGAIN' || this.#failing || ++naps > this.#naps) {
          this.#drop(error);
          return;
        }
        nap();
      }
    }
    this.#torn = false;
    if (!this.#failing) return;
    this.#failing = false;
    this.#say(`standard output takes lines again; ${this.#lost} lines were lost since the process began`);
  }

  #drop(error: unknown): void {
    this.#lost++;
    if (this.#failing) return;
    this.#failing = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#say(`standard output takes no lines (${why}): the log, and the audit trail in it, have a gap`);
  }
}

/** Of the whole process: log entries and audit entries stand in the order in which they were written. */
export const standardOutput = new LineOutput();

function onto(descriptor: number): (bytes: Uint8Array) => number {
  return (bytes) => writeSync(descriptor, bytes);
}

function onStandardError(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody is left to be told.
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));

function nap(): void {
  Atomics.wait(never, 0, 0, NAP_MS);
}

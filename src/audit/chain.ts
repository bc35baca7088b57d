import {hash, randomUUID} from 'node:crypto';
import {recordIn} from '../support/record.ts';

// An audit log as a chain: each line carries the hash of the line before, and its own hash over everything else that
// stands in it. Whoever changes, removes or moves a line breaks the chain from there on. A chain belongs to one start of
// one process; a log may hold many of them, mixed with other lines. What a chain cannot show is that its last lines are
// missing, unless its last hash is known from elsewhere.

/** What stands in `prev` of a chain's first line. */
export const GENESIS = '0'.repeat(64);

const CLOSING = /,"hash":"([0-9a-f]{64})"\}$/;

/** Writes the lines of one chain. */
export class Chain {
  readonly id = randomUUID();
  #seq = 0;
  #previous = GENESIS;

  /** The next line, without a line feed: the entry's fields, and then those of the chain. */
  link(entry: Readonly<Record<string, unknown>>): string {
    this.#seq += 1;
    const body = JSON.stringify({...entry, chain: this.id, seq: this.#seq, prev: this.#previous});
    this.#previous = hashOf(body);
    return `${body.slice(0, -1)},"hash":"${this.#previous}"}`;
  }
}

/** What an entry says of its place in its chain. */
export interface Link {
  readonly chain: string;
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
}

/** What a line of a log is to a chain. */
export type ReadLink =
  | {readonly kind: 'link'; readonly link: Link}
  | {readonly kind: 'broken'; readonly why: string}
  /** A line that is no audit entry. */
  | {readonly kind: 'other'};

/** Reads a line of a log. What a container runtime puts before the JSON object is passed over. */
export function readLink(line: string): ReadLink {
  const text = line.slice(Math.max(0, line.indexOf('{'))).trimEnd();
  if (!text.includes('"component":"audit"')) return {kind: 'other'};
  const hash = CLOSING.exec(text)?.[1];
  if (hash === undefined) return {kind: 'broken', why: 'it is an audit entry without a hash at its end'};
  const body = text.replace(CLOSING, '}');
  if (hashOf(body) !== hash) return {kind: 'broken', why: 'its hash is of another content: it was changed'};
  const {chain, seq, prev} = recordIn(body) ?? {};
  if (typeof chain !== 'string' || typeof seq !== 'number' || typeof prev !== 'string')
    return {kind: 'broken', why: 'it lacks chain, seq or prev'};
  return {kind: 'link', link: {chain, seq, prev, hash}};
}

function hashOf(body: string): string {
  return hash('sha256', body, 'hex');
}

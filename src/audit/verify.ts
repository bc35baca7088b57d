import {GENESIS, readLink, type Link} from './chain.ts';

interface ChainReport {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  /** The hash of its last line: to be compared with one that was noted elsewhere. */
  readonly head: string;
}

/** What came of checking a log. */
export type Verification =
  | {readonly ok: true; readonly entries: number; readonly chains: readonly ChainReport[]}
  /** `line` counts from 1. */
  | {readonly ok: false; readonly line: number; readonly why: string};

/**
 * Checks every audit entry in a log, in the order of its lines, and stops at the first that is broken. A chain may begin
 * after its first entry, for logs are rotated; within the log none may be missing.
 */
export async function verifyLog(lines: AsyncIterable<string>): Promise<Verification> {
  const chains = new Map<string, {first: number; last: Link}>();
  let number = 0;
  let entries = 0;
  for await (const line of lines) {
    number += 1;
    const read = readLink(line);
    if (read.kind === 'other') continue;
    if (read.kind === 'broken') return {ok: false, line: number, why: read.why};
    const {link} = read;
    const before = chains.get(link.chain);
    const why = before === undefined ? wrongStart(link) : wrongStep(before.last, link);
    if (why !== undefined) return {ok: false, line: number, why};
    chains.set(link.chain, {first: before?.first ?? link.seq, last: link});
    entries += 1;
  }
  return {
    ok: true,
    entries,
    chains: [...chains].map(([id, {first, last}]) => ({id, first, last: last.seq, head: last.hash})),
  };
}

function wrongStart(link: Link): string | undefined {
  return (link.seq === 1) === (link.prev === GENESIS) && link.seq >= 1
    ? undefined
    : `it stands as entry ${link.seq} of its chain, which its prev denies`;
}

function wrongStep(before: Link, link: Link): string | undefined {
  if (link.seq <= before.seq)
    return `it is entry ${link.seq} of its chain and stands after entry ${before.seq}: repeated or moved`;
  if (link.seq > before.seq + 1)
    return link.seq === before.seq + 2
      ? `the entry before it, ${before.seq + 1} of its chain, is missing`
      : `the entries before it, ${before.seq + 1} to ${link.seq - 1} of its chain, are missing`;
  return link.prev === before.hash
    ? undefined
    : 'its prev is not the hash of the entry before: one was replaced';
}

import {escapeLiteral} from 'pg';
import {quoted} from '../database/quoted.ts';
import type {Manifest} from './manifest.ts';

/** The newest server that does not know `transaction_timeout`, which later pg_dumps set in the first lines. */
const LAST_WITHOUT_TRANSACTION_TIMEOUT = 16;
/** Settings and schemas come first in a dump, well within this. */
const HEAD_BYTES = 64 * 1024;
const EXTENSION_COMMENT = /^COMMENT ON EXTENSION .* IS '.*';$/;

/**
 * The script that psql runs: the dump in one transaction, between what `opening` and `closing` do. Its head is fitted to
 * the target: a setting that an older server does not know is left out, as is the making of a schema that is there. So
 * is what an extension says of itself: only its owner may set that, and an administrator may have made it beforehand.
 */
export async function* framed(
  dump: AsyncIterable<Uint8Array>,
  options: {serverMajor: number; hasSchema: boolean; opening: string; closing: string},
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`BEGIN;\n${options.opening}\n`);
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of dump) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < HEAD_BYTES) continue;
    yield fitted(head, options);
    head = undefined;
  }
  if (head) yield fitted(head, options);
  yield Buffer.from(`\n${options.closing}\nCOMMIT;\n`);
}

function fitted(head: Buffer, options: {serverMajor: number; hasSchema: boolean}): Buffer {
  const unwanted = new Set<string>();
  if (options.serverMajor <= LAST_WITHOUT_TRANSACTION_TIMEOUT) unwanted.add('SET transaction_timeout = 0;');
  if (options.hasSchema) unwanted.add('CREATE SCHEMA _system;');
  // latin1 keeps every byte as it is, even of a character that the end of the head cuts in two.
  const lines = head.toString('latin1').split('\n');
  // From the first object on, a line may be data or the body of a function: it stays as it is.
  const first = lines.findIndex((line) => /^(CREATE (TABLE|FUNCTION|PROCEDURE|TYPE|VIEW)|COPY) /.test(line));
  const preamble = first < 0 ? lines : lines.slice(0, first);
  const rest = first < 0 ? [] : lines.slice(first);
  const kept = preamble.filter((line) => !unwanted.has(line) && !EXTENSION_COMMENT.test(line));
  return Buffer.from([...kept, ...rest].join('\n'), 'latin1');
}

/** SQL that fails unless every table of the manifest holds exactly its rows. */
export function verification(manifest: Pick<Manifest, 'rowCounts'>): string {
  const checks = Object.entries(manifest.rowCounts).map(
    ([table, rows]) =>
      `  SELECT count(*) INTO found FROM _system.${quoted(table)};\n` +
      `  IF found <> ${rows} THEN RAISE EXCEPTION 'restored _system.% holds % rows, the backup has ${rows}', ${escapeLiteral(table)}, found; END IF;`,
  );
  // A name may hold whatever would end a body between dollars.
  return `DO ${escapeLiteral(`\nDECLARE found BIGINT;\nBEGIN\n${checks.join('\n')}\nEND\n`)};`;
}

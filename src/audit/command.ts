// `fraiseql-auth audit verify` and `fraiseql-auth explain`: what a person asks of the logs, away from the server.
//   chain     how a line is linked to the one before
//   verify    whether a log's chains are whole
//   explain   one request's story
//   checks    the checks of the server in a person's words
import {createReadStream} from 'node:fs';
import {collect, tell} from './explain.ts';
import {linesOf} from './lines.ts';
import {verifyLog} from './verify.ts';

/**
 * Verifies a log, or standard input. Returns the exit code: 0 where every chain in it is whole, 1 where an entry is
 * broken, 2 where the log cannot be read or holds no audit entry.
 */
export async function verify(file: string | undefined): Promise<number> {
  const result = await reading(file, verifyLog);
  if (result === undefined) return 2;
  if (!result.ok) {
    process.stdout.write(`broken: line ${result.line}: ${result.why}\n`);
    return 1;
  }
  if (result.entries === 0) {
    process.stderr.write('The log holds no audit entry: is it the whole standard output of `serve`?\n');
    return 2;
  }
  for (const {id, first, last, head} of result.chains) {
    const missing = first === 1 ? '' : ` (its first ${first - 1} stand in an earlier log)`;
    process.stdout.write(`chain ${id}: entries ${first} to ${last}${missing}, ends in ${head}\n`);
  }
  process.stdout.write(`whole: ${result.entries} entries in ${result.chains.length} chain(s)\n`);
  return 0;
}

/** Tells a request's story. Returns the exit code: 0 where it is told, 1 where the log knows nothing of it, 2 unread. */
export async function explain(requestId: string, file: string | undefined): Promise<number> {
  const story = await reading(file, (lines) => collect(lines, requestId));
  if (story === undefined) return 2;
  const lines = tell(story);
  if (lines.length === 0) {
    process.stderr.write(
      'The log has no entry of this request. Is it the log of every replica, from LOG_LEVEL info or lower? ' +
        'A request that nothing was refused to, and that no session came of, leaves none.\n',
    );
    return 1;
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** Gives the lines of the file, or of standard input, to `use`; undefined where they cannot be read, which is said. */
async function reading<T>(
  file: string | undefined,
  use: (lines: AsyncIterable<string>) => Promise<T>,
): Promise<T | undefined> {
  const input = file === undefined || file === '-' ? process.stdin : createReadStream(file);
  try {
    return await use(linesOf(input));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    process.stderr.write(`${file ?? 'standard input'} cannot be read (${String(error.code)})\n`);
    return undefined;
  }
}

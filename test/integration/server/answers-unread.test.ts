// What a command answers goes to standard output, which its reader may close before the end, and whose disk may be full.
import {expect, it} from 'vitest';
import {startProgram, type ProgramRun} from '../../support/program.ts';

/** Runs it in a shell that does this with its standard output, and with its exit code. */
async function run(args: readonly string[], command: string): Promise<ProgramRun> {
  const through = ['bash', '-c', `set -o pipefail; ${command}`, 'bash'];
  return (await startProgram(args, {}, {through})).ended;
}

it('a reader that has seen enough changes nothing about the exit code, and is no error', async () => {
  expect(await run(['version'], '"$@" | true')).toMatchObject({code: 0, output: ''});
  // Without a database to verify.
  expect(await run(['db', 'verify'], '"$@" | true')).toMatchObject({code: 1, output: ''});
});

it('an answer that cannot be written is a failure, told in a line', async () => {
  const {code, output} = await run(['version'], 'exec "$@" > /dev/full');
  expect(code).toBe(1);
  expect(output).toMatch(/^standard output cannot be written: ENOSPC: .*\n$/);
});

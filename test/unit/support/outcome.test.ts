import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, expect, it} from 'vitest';
import {parseOutcome, reportOutcome} from '../../../src/support/outcome.ts';

const directory = mkdtempSync(join(tmpdir(), 'outcome-'));
afterAll(() => rmSync(directory, {recursive: true}));

// The kubelet cuts what is longer, and half a line of JSON says nothing.
it.each([
  ['letters', 'x'],
  ['characters of three bytes', '…'],
  ['characters of four bytes', '😀'],
  ['characters that JSON writes with six', '\u0001'],
])('a failure of many %s fits into a termination message', async (_name, character) => {
  const path = join(directory, 'log');
  const [message, hint] = [character.repeat(9_000), character.repeat(9_000)];
  const failure = {
    ok: false,
    kind: 'backup',
    reason: 'BackupFailed',
    message,
    hint,
    detail: {more: hint},
  } as const;
  await reportOutcome(failure, {TERMINATION_LOG: path});
  const text = readFileSync(path, 'utf8');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
  const outcome = parseOutcome(text);
  expect(outcome).toMatchObject({ok: false, reason: 'BackupFailed'});
  expect(outcome?.ok === false && outcome.message).toMatch(new RegExp(`^(${character}){100,}…$`, 'u'));
});

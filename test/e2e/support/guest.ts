// The end-to-end tests install the operator and take it away again, with its definition and so with every FraiseQLAuth there
// is. Nobody's cluster is touched unless it was handed over and has none; and it gets back what it was.
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

const guest = (what: 'check' | 'clear') => promisify(execFile)('test/cluster/guest', [what, 'e2e-*']);

/** Vitest runs this for each project: all of them before the first test, and what they return after the last. */
export default async function setUp(): Promise<() => Promise<void>> {
  await guest('check');
  return async () => void (await guest('clear'));
}

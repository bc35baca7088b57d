import {execFile} from 'node:child_process';
import {resolve} from 'node:path';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';

const HEAP = resolve(import.meta.dirname, '../../../src/operator/heap.ts');

// What holds for a process cannot be tried out in one that runs other tests.
const program = `
  import {heapOfAnOperator} from ${JSON.stringify(HEAP)};
  let idle = false;
  const heap = heapOfAnOperator(() => idle);
  const until = async (holds, ms) => {
    for (const end = performance.now() + ms; !holds() && performance.now() < end; ) await new Promise((next) => setTimeout(next, 50));
  };
  const used = () => Math.round(process.memoryUsage().heapUsed / 2 ** 20);
  let kept = Array.from({length: 3000}, () => Array.from({length: 1000}, Math.random));
  const full = used();
  kept = undefined;
  await until(() => used() < full / 2, 2500);
  const starting = used();
  idle = true;
  await until(() => used() < full / 2, 5000);
  console.log(JSON.stringify({full, starting, started: used(), stays: typeof gc}));
  heap.stop();
`;

test('what the start left over is given back when all of it is dealt with', async () => {
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  const {full, starting, started, stays} = JSON.parse(stdout) as Record<string, number>;
  expect(full).toBeGreaterThan(20);
  expect(starting).toBeGreaterThan(20);
  expect(started).toBeLessThan(12);
  expect(stays).toBe('undefined');
});

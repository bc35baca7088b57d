import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {describe, expect, it} from 'vitest';
import {boundThreads} from '../../../src/server/threads.ts';

const run = promisify(execFile);

describe('the threads that sign', () => {
  it.each([
    [1, '2'],
    [2, '2'],
    [3, '3'],
    [64, '4'],
  ])('for %i processors are %s', (processors, size) => {
    const env: Record<string, string | undefined> = {};
    boundThreads(env, processors);
    expect(env['UV_THREADPOOL_SIZE']).toBe(size);
  });

  it('are as many as whoever runs it says', () => {
    const env = {UV_THREADPOOL_SIZE: '16'};
    boundThreads(env, 2);
    expect(env.UV_THREADPOOL_SIZE).toBe('16');
  });

  it('are bounded where that is said before the first of them is needed', async () => {
    const threads = new URL('../../../src/server/threads.ts', import.meta.url).href;
    const program = `
      const {readdirSync} = await import('node:fs');
      const {pbkdf2} = await import('node:crypto');
      const {boundThreads} = await import(${JSON.stringify(threads)});
      const count = () => readdirSync('/proc/self/task').length;
      const before = count();
      boundThreads(process.env, 3);
      pbkdf2('a', 'b', 1, 1, 'sha256', () => console.log(count() - before));`;
    const {UV_THREADPOOL_SIZE: _, ...env} = process.env;
    const {stdout} = await run(process.execPath, ['--input-type=module', '-e', program], {env});
    expect(stdout.trim()).toBe('3');
  });
});

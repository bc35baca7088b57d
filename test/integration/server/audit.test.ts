import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {login} from '../../support/login.ts';
import {MAIN} from '../../support/main-module.ts';
import {PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
let directory: string;
let log: string;
let refused: string;

beforeAll(async () => {
  stack = await startStack();
  directory = await mkdtemp(join(tmpdir(), 'audit-'));
  server = await stack.server();
  const route = (url: URL): URL | undefined =>
    url.origin === PUBLIC_URL ? new URL(url.pathname + url.search, server.url) : undefined;
  const {refresh_token: token} = await login({baseUrl: PUBLIC_URL, user: 'ada', route});
  const body = JSON.stringify({refresh_token: token});
  await fetch(`${server.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body,
  });
  const answer = await fetch(`${server.url}/auth/callback?state=unknown&code=planted-code`);
  refused = answer.headers.get('x-request-id') ?? '';
  log = join(directory, 'server.log');
  await writeFile(log, stack.logs.join(''));
});
afterAll(async () => {
  await stack.close();
  await rm(directory, {recursive: true});
});

/** The program with these arguments: exit code and output. */
function run(args: readonly string[], input = ''): Promise<{code: number; output: string}> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) => {
      resolve({code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr});
    });
    child.stdin?.end(input);
  });
}

describe('fraiseql-auth audit verify', () => {
  it("finds a server's log whole, from a file and from standard input", async () => {
    const fromFile = await run(['audit', 'verify', log]);
    expect(fromFile).toEqual({
      code: 0,
      output: expect.stringMatching(/entries 1 to \d+, ends in [0-9a-f]{64}\nwhole: /),
    });
    expect(await run(['audit', 'verify'], stack.logs.join(''))).toEqual(fromFile);
  });

  it('names the first line that was changed', async () => {
    const at = stack.logs.findIndex((line) => line.includes('"auth_success"'));
    const changed = join(directory, 'changed.log');
    await writeFile(changed, stack.logs.with(at, (stack.logs[at] ?? '').replace('oidc', 'odic')).join(''));
    expect(await run(['audit', 'verify', changed])).toEqual({
      code: 1,
      output: `broken: line ${at + 1}: its hash is of another content: it was changed\n`,
    });
  });

  it('does not pass what it cannot read, or what holds no entry', async () => {
    expect(await run(['audit', 'verify', join(directory, 'none.log')])).toMatchObject({
      code: 2,
      output: expect.stringContaining('cannot be read (ENOENT)'),
    });
    expect(await run(['audit', 'verify', directory])).toMatchObject({code: 2});
    expect(await run(['audit', 'verify'], 'nothing\n')).toMatchObject({
      code: 2,
      output: expect.stringContaining('holds no audit entry'),
    });
  });
});

describe('fraiseql-auth explain', () => {
  it('names the check that failed, without a secret', async () => {
    const {code, output} = await run(['explain', refused, log]);
    expect(code).toBe(0);
    expect(output).toContain('GET /auth/callback was answered with 400 invalid_state');
    expect(output).toContain('The check that failed: the state is of a login under way');
    expect(output).not.toContain('planted-code');
  });

  it('says where the log knows nothing of the request', async () => {
    expect(await run(['explain', 'r-unknown', log])).toMatchObject({code: 1});
  });
});

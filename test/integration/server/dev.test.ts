// `make dev`, as an application developer meets it: one line, and what its address leads to. `make build` comes first.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {expect, it} from 'vitest';
import {Browser} from '../../support/browser.ts';
import {signIn} from '../../support/login.ts';
import {freePort} from '../../support/ports.ts';

it('prints one line, whose address leads through a sign-in to the account page', async () => {
  const [port, providerPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['scripts/dev.ts'], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: String(port),
      PROVIDER_PORT: String(providerPort),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  // What the server warns of, on a busy machine, are lines of JSON beside it.
  const lines: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({input: child.stdout}).on('line', (line) => {
      if (line.startsWith('{')) return;
      lines.push(line);
      resolve();
    });
  });
  try {
    await Promise.race([ready, exited]);
    const [, address = ''] = /^ready in [\d.]+ s: click (\S+) /.exec(lines[0] ?? '') ?? [];
    const home = `http://localhost:${port}`;
    expect(address).toBe(`${home}/auth/start?return_to=/auth/account`);

    const browser = new Browser();
    const start = await browser.visit(address);
    expect(start.location?.origin).toBe(`http://localhost:${providerPort}`);
    const back = await signIn(browser, start.location ?? new URL(home), {baseUrl: home, user: 'ada'});
    const landed = await browser.visit(back);
    expect([landed.status, landed.location?.href]).toEqual([303, `${home}/auth/account`]);
    const page = await browser.visit(`${home}/auth/account`, {headers: {accept: 'text/html'}});
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toContain('ada');
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited).toEqual([0, null]);
  expect(lines).toHaveLength(1);
});

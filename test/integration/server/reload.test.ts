// The configuration's files change under a server that runs: whatever they hold by then, it goes on.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Writable} from 'node:stream';
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest';
import {watchConfiguration} from '../../../src/server/reload.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {loadFor, SIGNING_KEY, startStack, until, type Stack} from '../../support/server/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'reload-'));
const file = join(directory, 'auth.yaml');
const key = join(directory, 'key.pem');
let stack: Stack;
let server: RunningServer;
let watching: {stop(): void};
const outcomes: string[] = [];
const logs: string[] = [];

const KEYS = `signingKeys: [{kid: first, file: ${directory}/first.pem, use: sign}]\n`;
const GOOD = `${KEYS}rateLimits: {logoutPerMinute: 2}\n`;
const write = (text: string): void => writeFileSync(file, text);

beforeAll(async () => {
  stack = await startStack();
  writeFileSync(join(directory, 'first.pem'), SIGNING_KEY);
  write(GOOD);
  const env = {JWT_SIGNING_KEY: '', AUTH_CONFIG_FILE: file, RATE_LIMITS: 'On', RETURN_TO_ORIGINS: ''};
  server = await stack.server(env);
  const load = () => loadFor(stack.database.url, stack.provider.issuer, env);
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logs.push(chunk.toString());
      done();
    },
  });
  watching = watchConfiguration({
    files: load().files,
    load,
    apply: (next) => server.reconfigure(next),
    onOutcome: (outcome) => outcomes.push(outcome),
    clock: systemClock,
    logger: createLogger({component: 'server', level: 'info'}, sink),
    everyMs: 20,
  });
});
afterAll(async () => {
  watching.stop();
  await stack.close();
  rmSync(directory, {recursive: true});
});
beforeEach(async () => {
  write(GOOD);
  await new Promise((resolve) => setTimeout(resolve, 100));
  outcomes.splice(0);
  logs.splice(0);
});

it.each([
  ['an alias without an anchor', 'rateLimits: *x\n'],
  ['no YAML', 'rateLimits: {\n'],
])('%s is refused, and the server goes on', async (_name, text) => {
  write(text);
  await until('the refusal', () => outcomes.length > 0);
  expect(outcomes).toEqual(['refused']);
  expect(logs.join('')).toContain('AUTH_CONFIG_FILE: is not YAML');
  expect((await fetch(`${server.url}/health/auth`)).status).toBe(200);
});

it('a file that names a key which comes later is taken when the key is there', async () => {
  write(
    `signingKeys: [{kid: now, algorithm: ES256, file: ${key}, use: sign}, {kid: first, file: ${directory}/first.pem, use: verify}]\n`,
  );
  await until('the refusal', () => outcomes.includes('refused'));
  writeFileSync(key, String(developmentKey('ES256').privateKey?.export({type: 'pkcs8', format: 'pem'})));
  await until('the keys', () => outcomes.includes('applied'));
  expect(server.services.tokens.keys.signer.kid).toBe('now');
});

it('new limits hold at once, and what needs a restart is named', async () => {
  const logout = async (): Promise<number> =>
    (await fetch(`${server.url}/auth/logout`, {method: 'POST'})).status;
  expect([await logout(), await logout(), await logout()]).toEqual([204, 204, 429]);
  write(
    KEYS +
      'rateLimits: {logoutPerMinute: 1000}\naudience: [another]\nreturnToOrigins: [https://new.example.com]\n',
  );
  await until('the limits', () => outcomes.includes('applied'));
  expect(await logout()).toBe(204);
  const warning = logs.find((line) => line.includes('take effect with the next start')) ?? '{}';
  expect(JSON.parse(warning)).toMatchObject({settings: ['JWT_AUDIENCE', 'RETURN_TO_ORIGINS']});
});

it('a provider that was down and is taken out says nothing any more', async () => {
  const secret = join(directory, 'secret');
  writeFileSync(secret, 'the secret of the client');
  write(
    `${KEYS}providers: [{name: gone, type: oidc, issuerUrl: "http://127.0.0.1:1", clientId: x, clientSecretFile: ${secret}}]\n`,
  );
  const shown = async (): Promise<string> => metricsOf(server);
  await until('it is down', async () =>
    (await shown()).includes('dependency_up{dependency="provider:gone"} 0'),
  );
  write(GOOD);
  await until('it is gone', async () => !(await shown()).includes('provider:gone'));
  expect(await shown()).toContain('dependency="provider:oidc"');
});

// Keys are replaced in their file while requests are under way: of those, and of the tokens that were issued before,
// none fails.
import {mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {watchConfiguration} from '../../../src/server/reload.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {systemClock} from '../../../src/support/clock.ts';
import type {Algorithm} from '../../../src/support/configuration/configuration.ts';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {holdSession} from '../../support/server/sessions.ts';
import {loadFor, startStack, until, type Stack} from '../../support/server/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'keys-'));
const file = join(directory, 'auth.yaml');
let stack: Stack;
let server: RunningServer;
let watching: {stop(): void};

const keys = (['RS256', 'ES256', 'EdDSA'] as const).map((algorithm) => {
  const path = join(directory, `${algorithm}.pem`);
  writeFileSync(path, String(developmentKey(algorithm).privateKey?.export({type: 'pkcs8', format: 'pem'})));
  return {kid: algorithm, algorithm, file: path};
});

/** All of them published, and that one signs. */
function signWith(signer: Algorithm): void {
  const signingKeys = keys.map((key) => ({...key, use: key.algorithm === signer ? 'sign' : 'verify'}));
  writeFileSync(`${file}.new`, JSON.stringify({signingKeys}));
  renameSync(`${file}.new`, file);
}

beforeAll(async () => {
  stack = await startStack();
  signWith('RS256');
  const env = {AUTH_CONFIG_FILE: file, JWT_SIGNING_KEY: ''};
  server = await stack.server(env);
  const load = () => loadFor(stack.database.url, stack.provider.issuer, env);
  watching = watchConfiguration({
    files: load().files,
    load,
    apply: (next) => server.reconfigure(next),
    onOutcome: (outcome) => server.services.metrics.reloaded(outcome),
    clock: systemClock,
    logger: createLogger({component: 'server', level: 'silent'}),
    everyMs: 20,
  });
});
afterAll(async () => {
  watching.stop();
  await stack.close();
  rmSync(directory, {recursive: true});
});

it('signs with each algorithm in turn, and no verify fails meanwhile', async () => {
  const issued = [await holdSession(server, {subject: 'reload'})];
  const statuses = new Map<number, number>();
  const ended = new AbortController();
  const clients = Array.from({length: 8}, async (_, n) => {
    for (let turn = n; !ended.signal.aborted; turn++) {
      const {access} = issued[turn % issued.length] ?? {access: ''};
      const {status} = await fetch(`${server.url}/auth/verify`, {
        headers: {authorization: `Bearer ${access}`},
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  for (const algorithm of ['ES256', 'EdDSA', 'RS256', 'ES256', 'RS256', 'EdDSA'] as const) {
    const before = statuses.get(200) ?? 0;
    signWith(algorithm);
    await until(algorithm, () => server.services.tokens.keys.signer.algorithm === algorithm);
    issued.push(await holdSession(server, {subject: 'reload'}));
    await until('requests meanwhile', () => (statuses.get(200) ?? 0) > before + 100);
  }
  ended.abort();
  await Promise.all(clients);
  expect([...statuses.keys()]).toEqual([200]);
  const algorithms = issued.map(({access}) => {
    const header = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()) as {
      alg: string;
    };
    return header.alg;
  });
  expect(algorithms).toEqual(['RS256', 'ES256', 'EdDSA', 'RS256', 'ES256', 'RS256', 'EdDSA']);
});

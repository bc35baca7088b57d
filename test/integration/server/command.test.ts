import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rename, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {MAIN} from '../../support/main-module.ts';
import {freePort} from '../../support/ports.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let directory: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  stack = await startStack();
  directory = await mkdtemp(join(tmpdir(), 'serve-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await stack.close();
  await rm(directory, {recursive: true});
});

interface Serving {
  readonly child: ChildProcess;
  output(): string;
  readonly exit: Promise<number | null>;
}

/** `fraiseql-auth serve` as a process of its own, with these variables and no others. */
function serve(env: NodeJS.ProcessEnv, ...args: string[]): Serving {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args], {
    env: {PATH: process.env['PATH'], ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exit = once(child, 'close').then(() => {
    children.delete(child);
    return child.exitCode;
  });
  return {child, output: () => output, exit};
}

async function status(url: string): Promise<number> {
  try {
    return (await fetch(url)).status;
  } catch (error) {
    if (error instanceof TypeError) return 0;
    throw error;
  }
}

const pem = (algorithm: 'RS256' | 'ES256'): string =>
  String(developmentKey(algorithm).privateKey?.export({type: 'pkcs8', format: 'pem'}));

describe('fraiseql-auth serve', () => {
  it('refuses to start with a configuration that cannot be used: one message, exit code 2', async () => {
    const serving = serve({DATABASE_URL: 'mysql://user:hunter2@host/db', PORT: 'x'});
    expect(await serving.exit).toBe(2);
    expect(serving.output()).toMatch(/^The configuration cannot be used:\n( {2}- .+\n){5}$/);
    expect(serving.output()).toContain('  - DATABASE_URL: the database URL does not begin with postgres://');
    expect(serving.output()).not.toContain('hunter2');
  });

  it('says who has the port, exit code 1', async () => {
    const {port} = new URL(stack.provider.url);
    const serving = serve(await environment(Number(port)));
    expect(await serving.exit).toBe(1);
    expect(serving.output()).toContain(`cannot listen on 127.0.0.1:${port}`);
  });

  it('takes changed files without a restart, keeps what it has when they are wrong, and ends in order', async () => {
    const port = await freePort();
    const data = join(directory, 'data');
    await swap(data, [{kid: 'one', algorithm: 'RS256'}]);
    const serving = serve({...(await environment(port)), AUTH_CONFIG_FILE: join(data, 'auth.yaml')});
    const base = `http://127.0.0.1:${port}`;
    await until('healthy', async () => (await status(`${base}/health/auth`)) === 200, 45_000);
    const kids = async (): Promise<string[]> => {
      const body = (await (await fetch(`${base}/.well-known/jwks.json`)).json()) as {keys: {kid: string}[]};
      return body.keys.map(({kid}) => kid);
    };
    expect(await kids()).toEqual(['one']);

    await swap(data, [
      {kid: 'two', algorithm: 'ES256'},
      {kid: 'one', algorithm: 'RS256'},
    ]);
    await until('the new key', async () => (await kids()).join() === 'two,one', 45_000);
    expect(serving.output()).toContain('"event":"key_rotated","outcome":"success","reason":"one -> two"');

    await swap(data, []);
    await until('a refusal', () => serving.output().includes('the changed configuration is refused'), 45_000);
    expect(await kids()).toEqual(['two', 'one']);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain(
      'fraiseql_auth_configuration_reloads_total{outcome="refused"} 1',
    );

    serving.child.kill('SIGTERM');
    expect(await serving.exit).toBe(0);
    expect(serving.output()).toContain('"msg":"stopped"');
  });
});

async function environment(port: number): Promise<NodeJS.ProcessEnv> {
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  const data = join(directory, `data-${port}`);
  await swap(data, [{kid: 'one', algorithm: 'RS256'}]);
  return {
    PORT: String(port),
    SERVER_HOST: '127.0.0.1',
    DATABASE_URL_FILE: await file('url', stack.database.url),
    OAUTH_REDIRECT_URI: 'http://localhost:18000/auth/callback',
    PROVIDER_ALLOWED_HOSTS: '127.0.0.1',
    AUTH_CONFIG_FILE: join(data, 'auth.yaml'),
  };
}

let generation = 0;

/** Replaces the directory's files at once, as the kubelet does: a new directory, and a symbolic link renamed over. */
async function swap(link: string, keys: {kid: string; algorithm: 'RS256' | 'ES256'}[]): Promise<void> {
  generation++;
  const target = await mkdtemp(join(directory, `generation-${generation}-`));
  await writeFile(join(target, 'client-secret'), 'secret');
  const lines = [];
  for (const [index, {kid, algorithm}] of keys.entries()) {
    await writeFile(join(target, `${kid}.pem`), pem(algorithm));
    lines.push(
      `  - {kid: ${kid}, algorithm: ${algorithm}, file: ${link}/${kid}.pem, use: ${index ? 'verify' : 'sign'}}`,
    );
  }
  await writeFile(
    join(target, 'auth.yaml'),
    `providers:\n  - {name: one, type: oidc, issuerUrl: '${stack.provider.issuer}', clientId: x, clientSecretFile: ${link}/client-secret}\n` +
      (keys.length > 0 ? `signingKeys:\n${lines.join('\n')}\n` : ''),
  );
  await symlink(target, `${link}.new`);
  await rename(`${link}.new`, link);
}

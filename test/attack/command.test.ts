// The command against our own server, where all must hold, and against one that is weak on purpose, where nothing may:
// each attack can fail.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {attack} from '../../src/attack/command.ts';
import {LEFT_OUT} from '../../src/attack/left-out.ts';
import type {RunningServer} from '../../src/server/server.ts';
import {startHostileProvider} from '../support/server/hostile-provider.ts';
import {holdSession} from '../support/server/sessions.ts';
import {startStack, type Stack} from '../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
let weak: Server;
let directory: string;
let file: string;

beforeAll(async () => {
  stack = await startStack();
  directory = await mkdtemp(join(tmpdir(), 'attack-'));
  file = join(directory, 'refresh-token');
  // Less patient than it is by itself: what never ends is given up sooner.
  server = await stack.server({}, {patience: {headersMs: 1_500, requestMs: 3_000}});
  weak = await startWeakServer();
});
afterAll(async () => {
  weak.closeAllConnections();
  weak.close();
  await stack.close();
  await rm(directory, {recursive: true});
});

async function run(url: string, options = {}): Promise<{code: number; output: string}> {
  let output = '';
  const code = await attack(url, options, (text) => {
    output += text;
  });
  return {code, output};
}

/** Believes whatever it is told, and tells whatever it knows. */
async function startWeakServer(): Promise<Server> {
  const made = createServer(
    {
      insecureHTTPParser: true,
      headersTimeout: 0,
      requestTimeout: 0,
      maxHeaderSize: 1_048_576,
      requireHostHeader: false,
    },
    (request, response) => {
      const url = new URL(request.url?.replace(/^\/+/, '/') ?? '/', 'http://weak');
      const {host, origin} = request.headers;
      response.setHeader('access-control-allow-origin', origin ?? '*');
      response.setHeader('x-auth-request-user', 'admin');
      const injected = /[\r\n]X-Injected: (\w+)/.exec(decodeURIComponent(url.pathname + url.search))?.[1];
      if (injected !== undefined) response.setHeader('x-injected', injected);
      request.resume();
      response.setHeader('connection', 'close');
      if (url.pathname === '/auth/start') {
        const forwarded = String(request.headers['x-forwarded-host'] ?? host);
        response.setHeader('set-cookie', 'login=1');
        response
          .writeHead(303, {location: `http://provider/?state=1&redirect_uri=http://${forwarded}`})
          .end();
      } else if (url.pathname === '/.well-known/jwks.json') {
        response.end(JSON.stringify({keys: [{kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB', d: 'AQAB'}]}));
      } else {
        response.end(`<p>${url.searchParams.get('error_description')}</p>`);
      }
    },
  );
  await new Promise<void>((resolve) => {
    made.listen(0, '127.0.0.1', resolve);
  });
  return made;
}

describe('fraiseql-auth attack', () => {
  it('all holds at our server', async () => {
    const {code, output} = await run(server.url, {patience: '60'});
    expect(output).not.toContain('did not hold:');
    expect(output).toMatch(/: all held$/m);
    expect(code).toBe(0);
    expect(output.match(/^held /gm)).toHaveLength(13);
    // And it says what it did not try.
    expect(output.match(/^ {2}- /gm)).toHaveLength(LEFT_OUT.length + 1);
    expect(output).toContain('--refresh-token-file');
    expect(output).not.toMatch(/so a refusal tells little|bodies that never end are tried/);
  });

  it('what passes the browser of a provider without pushed requests is tried as well', async () => {
    const op = await startHostileProvider('auth-server', 'a client secret that is long enough');
    const open = await stack.server({OIDC_ISSUER_URL: op.issuer, OIDC_CLIENT_SECRET: op.clientSecret});
    const failures = (): number => stack.audit().filter(({event}) => event === 'auth_failure').length;
    const before = failures();
    const {code, output} = await run(open.url, {only: ['login-csrf', 'callback']});
    await op.close();
    expect(output).not.toMatch(/did not hold:|note:/);
    expect(code).toBe(0);
    expect(output).toMatch(/^held {4}callback +10 tried/m);
    // The documentation says so many.
    expect(failures() - before).toBe(4);
  });

  it('with a session: one successor, and nothing left after the logout', async () => {
    const {id, refresh} = await holdSession(server, {subject: 'attacked'});
    await writeFile(file, `${refresh}\n`);
    const {code, output} = await run(server.url, {only: ['session-races'], refreshTokenFile: file});
    expect(output).not.toContain('did not hold:');
    expect(output).toMatch(/^held {4}session-races +\d+ tried/m);
    expect(code).toBe(0);
    expect(await server.services.revocations.session(id)).toBeUndefined();
    // It was ended, and what does not stand is no proof of anything.
    const again = await run(server.url, {only: ['session-races'], refreshTokenFile: file});
    expect(again.code).toBe(1);
    expect(again.output).toContain('a new one is needed');
    expect(output + again.output).not.toContain(refresh);
  });

  it('nothing holds at a weak one', async () => {
    const {port} = weak.address() as AddressInfo;
    const {code, output} = await run(`http://127.0.0.1:${port}`, {patience: '1'});
    expect(code).toBe(1);
    const held = output.match(/^(?:held|not tried) .*$/gm) ?? [];
    expect(held).toEqual([]);
    expect(output.match(/^FAILED /gm)).toHaveLength(13);
  });

  it("refuses to touch another's server", async () => {
    const {code, output} = await run('https://auth.example.com');
    expect(code).toBe(2);
    expect(output).toContain('--yes-this-is-mine');
  });

  it.each([
    ['an address that is none', 'auth', {}, 'must be a URL'],
    ['a server that is not there', 'http://127.0.0.1:9', {}, 'does not answer'],
    [
      'a token that is not there',
      'http://127.0.0.1:9',
      {refreshTokenFile: '/nowhere'},
      'cannot be read (ENOENT)',
    ],
    ['a token that is none', 'http://127.0.0.1:9', {refreshTokenFile: '/dev/null'}, 'holds no token'],
    ['an unknown attack', 'http://127.0.0.1:9', {only: ['x']}, 'there is no x'],
  ])('says what is wrong with %s', async (_, url, options, message) => {
    const {code, output} = await run(url, options);
    expect(code).toBe(2);
    expect(output).toContain(message);
  });
});

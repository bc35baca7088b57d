import {X509Certificate} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect as connectTcp} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {connect, type TLSSocket} from 'node:tls';
import {Agent, request} from 'undici';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {podAsker} from '../../../src/operator/observe/ask-pod.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {fingerprintOf} from '../../../src/support/certificate.ts';
import {selfSigned, type TestCertificate} from '../../support/certificate.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'tls-'));
const files = {certPath: join(directory, 'tls.crt'), keyPath: join(directory, 'tls.key')};
const [first, second] = [selfSigned(directory, 'first.test'), selfSigned(directory, 'second.test')];
const agent = new Agent({connect: {rejectUnauthorized: false}});

let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  put(first);
  server = await stack.server(
    {TLS_CERT_PATH: files.certPath, TLS_KEY_PATH: files.keyPath},
    {intervals: {certificateMs: 50}},
  );
});
afterAll(async () => {
  await agent.close();
  await stack.close();
  rmSync(directory, {recursive: true});
});

function put({cert, key}: {cert: string; key: string}): void {
  writeFileSync(files.certPath, cert);
  writeFileSync(files.keyPath, key);
}

/** A TLS connection, and whose certificate it was shown. */
async function handshake(options: {maxVersion?: 'TLSv1.1'} = {}): Promise<{socket: TLSSocket; name: string}> {
  const {port} = new URL(server.url);
  const socket = connect({host: '127.0.0.1', port: Number(port), rejectUnauthorized: false, ...options});
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return {socket, name: String(socket.getPeerCertificate().subject.CN)};
}

async function shown(): Promise<string> {
  const {socket, name} = await handshake();
  socket.destroy();
  return name;
}

const get = async (path: string): Promise<{status: number; text: string}> => {
  const {statusCode, body} = await request(server.url + path, {dispatcher: agent});
  return {status: statusCode, text: await body.text()};
};

describe('TLS_CERT_PATH and TLS_KEY_PATH', () => {
  it('make it speak https', async () => {
    expect(server.url).toMatch(/^https:/);
    expect((await get('/health/live')).status).toBe(200);
    expect(await shown()).toBe('first.test');
    expect((await get('/metrics')).text).toMatch(
      /^fraiseql_auth_tls_certificate_expiry_seconds 1\.\d+e\+09|^fraiseql_auth_tls_certificate_expiry_seconds \d{10}/m,
    );
  });

  it('shows a new pair to new connections, and leaves the open ones alone', async () => {
    const {socket} = await handshake();
    put(second);
    await until('the new certificate', async () => (await shown()) === 'second.test');
    const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.write('GET /health/live HTTP/1.1\r\nhost: first.test\r\n\r\n');
    expect(await answered).toMatch(/^HTTP\/1\.1 200/);
    socket.destroy();
    expect((await get('/metrics')).text).toContain('fraiseql_auth_tls_reloads_total{outcome="applied"} 1');
  });

  it.each<[string, () => {cert: string; key: string}, string]>([
    ["another certificate's key", () => ({cert: first.cert, key: second.key}), "is not the certificate's"],
    ['no certificate', () => ({cert: 'hunter2', key: second.key}), 'holds no certificate in PEM form'],
    ['no key', () => ({cert: second.cert, key: 'hunter2'}), 'holds no unencrypted private key in PEM form'],
  ])('keeps the pair of before where the new one is broken: %s', async (_, pair, problem) => {
    const refusals = (): string[] => stack.logs.filter((line) => line.includes(problem));
    put(pair());
    await until('a word of it', () => refusals().length > 0);
    expect(await shown()).toBe('second.test');
    expect((await get('/metrics')).text).toMatch(
      /fraiseql_auth_tls_reloads_total\{outcome="refused"\} [1-9]/,
    );
    expect(refusals().join('')).not.toContain('hunter2');
    expect(refusals()).toHaveLength(1);
    put(second);
  });

  it('takes nothing older than TLS 1.2', async () => {
    await expect(handshake({maxVersion: 'TLSv1.1'})).rejects.toThrow(/protocol|version|EPROTO/i);
  });

  it('ends a connection that speaks plain HTTP, and goes on', async () => {
    const socket = connectTcp(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await get('/health/live')).status).toBe(200);
  });
});

describe('the operator asks it', () => {
  const print = ({cert}: {cert: string}): string => fingerprintOf(new X509Certificate(cert));
  const ask = async (...certificates: string[]) => {
    const pods = podAsker(Number(new URL(server.url).port));
    try {
      const target = {address: '127.0.0.1', certificates};
      return {health: await pods.ask(target), keys: await pods.keys.pod(target)};
    } finally {
      await pods.close();
    }
  };

  it('over https, and believes only the owner of the certificate that it expects', async () => {
    put(first);
    await until('the first certificate', async () => (await shown()) === 'first.test');
    const {health, keys} = await ask(print(first));
    expect(health).toMatchObject({auth: 'healthy', db: 'ok', certificates: [{fingerprint: print(first)}]});
    expect(keys?.kids).toHaveLength(1);
    expect(keys?.signer).toBe(keys?.kids[0]);
    await expect(ask(print(second))).rejects.toThrow(
      /127\.0\.0\.1 shows certificate [0-9a-f]{64}, which is not/,
    );
    await expect(ask()).rejects.toThrow(/is not the Secret's/);
  });

  it('while it is renewed: the one before and the new one, and it sees which', async () => {
    const both = [print(second), print(first)];
    put(second);
    await until('the second certificate', async () => {
      const {health} = await ask(...both);
      expect(health?.auth).toBe('healthy');
      return health?.certificates?.[0]?.fingerprint === print(second);
    });
  });
});

describe('a pair that cannot be used', () => {
  const start = (pair: Partial<TestCertificate>) =>
    stack.server({TLS_CERT_PATH: pair.certPath, TLS_KEY_PATH: pair.keyPath});

  it.each<[string, Partial<TestCertificate>, string]>([
    ['one alone', {certPath: first.certPath}, 'TLS_KEY_PATH: is needed beside TLS_CERT_PATH'],
    [
      'no file',
      {certPath: '/nowhere', keyPath: first.keyPath},
      'TLS_CERT_PATH: the file /nowhere cannot be read (ENOENT)',
    ],
    ['two strangers', {certPath: first.certPath, keyPath: second.keyPath}, 'TLS_KEY_PATH: the key in'],
  ])('stops the start: %s', async (_, pair, problem) => {
    await expect(start(pair)).rejects.toThrow(problem);
  });
});

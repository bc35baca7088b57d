// Redis over TLS.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {selfSigned} from '../../support/certificate.ts';
import {startRedis, type TestRedis} from '../../support/redis.ts';
import {until} from '../../support/server/stack.ts';
import {
  fault,
  healthOnceServing,
  many,
  newAddress,
  ONLY_REDIS_IS_AWAY,
  post,
  Sharing,
  statuses,
} from './support/sharing.ts';

const directory = mkdtempSync(join(tmpdir(), 'redis-tls-'));
const certificate = selfSigned(directory, 'redis.test');
let encrypted: TestRedis;
let sharing: Sharing;
beforeAll(async () => {
  [sharing, encrypted] = await Promise.all([Sharing.start(), startRedis(certificate)]);
});
afterAll(async () => {
  await Promise.all([sharing.close(), encrypted.close()]);
  rmSync(directory, {recursive: true});
});

it('replicas share it, where REDIS_CA holds who signed its certificate', async () => {
  const [c, d] = await Promise.all([
    sharing.connected({REDIS_URL: encrypted.url, REDIS_CA_FILE: certificate.certPath}),
    // However the scheme is spelled, nothing goes unencrypted.
    sharing.connected({REDIS_URL: encrypted.url.replace('rediss', 'REDISS'), REDIS_CA: certificate.cert}),
  ]);
  const from = newAddress();
  const logout = (server: RunningServer) => () => post(server, '/auth/logout', from);
  expect(await statuses(4, logout(c))).toEqual(many(4, 204));
  expect(await statuses(1, logout(d))).toEqual([429]);
});

it.each<[string, () => NodeJS.ProcessEnv, string]>([
  ['nobody is named who signed it', () => ({REDIS_URL: encrypted.url}), 'certificate_invalid'],
  [
    'its certificate is for another host',
    () => ({
      REDIS_URL: encrypted.url.replace('127.0.0.1', 'localhost'),
      REDIS_CA: certificate.cert,
    }),
    'certificate_invalid',
  ],
  [
    'Redis speaks none',
    () => ({REDIS_URL: sharing.redis.url.replace('redis:', 'rediss:'), REDIS_CA: certificate.cert}),
    'timeout',
  ],
])('the service goes on without it, and says why: %s', async (_, env, reason) => {
  const server = await sharing.replica(env());
  await until('its word', async () => (await fault(server)) === reason);
  expect(await healthOnceServing(server)).toEqual(ONLY_REDIS_IS_AWAY);
  expect((await post(server, '/auth/logout', newAddress())).status).toBe(204);
});

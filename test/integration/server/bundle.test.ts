// What is shipped: libraries that are loaded only where they are needed are found from the bundle, too. `make build` makes it.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Agent, request} from 'undici';
import {expect, it} from 'vitest';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {selfSigned} from '../../support/certificate.ts';
import {freePort} from '../../support/ports.ts';
import {startProgram} from '../../support/program.ts';
import {startRedis} from '../../support/redis.ts';
import {serverEnv, startStack, until} from '../../support/server/stack.ts';

it('the bundle serves https, with a Redis over TLS', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bundle-'));
  const certificate = selfSigned(directory, 'bundle.test');
  const [stack, redis] = await Promise.all([startStack(), startRedis(certificate)]);
  const port = await freePort();
  const key = developmentKey('ES256').privateKey?.export({type: 'pkcs8', format: 'pem'});
  const {child, ended} = await startProgram(
    ['serve'],
    {
      ...serverEnv(stack.database.url, stack.provider.issuer),
      PORT: String(port),
      TLS_CERT_PATH: certificate.certPath,
      TLS_KEY_PATH: certificate.keyPath,
      REDIS_URL: redis.url,
      REDIS_CA_FILE: certificate.certPath,
      JWT_SIGNING_KEY: String(key),
      JWT_ALGORITHM: 'ES256',
    },
    {main: 'dist/main.js'},
  );
  const agent = new Agent({connect: {ca: certificate.cert}});
  let health: unknown;
  try {
    await until(
      'healthy',
      async () => {
        const answer = await request(`https://127.0.0.1:${port}/health/auth`, {dispatcher: agent}).catch(
          () => undefined,
        );
        health = await answer?.body.json();
        const {auth} = (health ?? {}) as {auth?: string};
        return auth === 'healthy' || child.exitCode !== null;
      },
      20_000,
    );
    expect(health).toEqual({auth: 'healthy', oauth_provider: 'ok', db: 'ok', redis: 'ok'});
  } finally {
    child.kill('SIGTERM');
    const {code, output} = await ended;
    await Promise.all([agent.close(), redis.close(), stack.close()]);
    rmSync(directory, {recursive: true});
    expect({code, output}).toMatchObject({code: 0});
  }
});

import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts';
import {holdSession, postForm, verifyStatus} from '../../integration/server/support/sessions.ts';
import {authServer, someone, theWorld} from '../support/auth-server.ts';

let network: FaultProxy;
let server: RunningServer;
beforeAll(async () => {
  const {database} = await theWorld();
  network = await startFaultProxy(database.port);
  server = await authServer({DATABASE_URL: network.through(database.url)});
});
afterAll(async () => {
  await server.stop(0);
  await network.close();
});

describe('RFC 7009 2.2.1: a revocation that cannot be done is a 503 with Retry-After, and can be asked for again', () => {
  it.each(['refresh', 'access'] as const)('of a %s token, while the database is away', async (kind) => {
    const held = await holdSession(server, {subject: someone()});
    network.refuse(true);
    network.reset();
    const answer = await postForm(server, '/auth/revoke', {token: held[kind]});
    network.refuse(false);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // The client must take it that the token still stands, and ask again.
    await expect
      .poll(async () => (await postForm(server, '/auth/revoke', {token: held[kind]})).status, {
        timeout: 10_000,
      })
      .toBe(200);
    expect(await verifyStatus(server, held)).toBe(401);
  });
});

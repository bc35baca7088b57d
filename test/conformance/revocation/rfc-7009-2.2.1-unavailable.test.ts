import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import {holdSession, postForm, verifyStatus} from '../../support/server/sessions.ts';
import {cutOffServer, someone} from '../../support/server/auth-server.ts';

let network: FaultProxy;
let server: RunningServer;
beforeAll(async () => {
  ({server, network} = await cutOffServer());
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

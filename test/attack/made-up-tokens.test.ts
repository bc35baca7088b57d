// Floods of made-up tokens: at /auth/revoke, which takes them from anybody, at /auth/verify and /auth/refresh; and guessed
// client secrets.
import {randomBytes} from 'node:crypto';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {systemClock} from '../../src/support/clock.ts';
import {holdSession, postForm} from '../support/server/sessions.ts';
import type {FaultProxy} from '../support/fault-proxy.ts';
import {cutOffServer, HOME, refresh, someone, theWorld} from '../support/server/auth-server.ts';

const madeUp = (): string => randomBytes(32).toString('base64url');
const basic = (secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`,
});
const SECRET = 'the secret of the gateway';
const CLIENT = {INTROSPECTION_CLIENT_ID: 'gateway', INTROSPECTION_CLIENT_SECRET: SECRET};

describe('on a slow database, where nothing limits by address', () => {
  let network: FaultProxy;
  let server: RunningServer;
  beforeAll(async () => {
    ({server, network} = await cutOffServer({DATABASE_POOL_SIZE: '4'}));
  });
  afterAll(async () => {
    network.slow(0);
    await server.stop(0);
    await network.close();
  });

  it.each<[string, () => Promise<Response>]>([
    ['/auth/revoke', () => postForm(server, '/auth/revoke', {token: madeUp()})],
    [
      '/auth/verify',
      () => fetch(`${server.url}/auth/verify`, {headers: {cookie: `__Host-fraiseql-session=${madeUp()}`}}),
    ],
  ])('a flood of %s takes no turn from refreshes', async (_path, ask) => {
    const held = await Promise.all(Array.from({length: 10}, () => holdSession(server, {subject: someone()})));
    network.slow(100);
    const flood = Promise.all(Array.from({length: 400}, async () => (await ask()).arrayBuffer()));
    await moment(300);
    const answers = await Promise.all(held.map((session) => refresh(server, session.refresh)));
    expect(answers.map(({status}) => status)).toEqual(answers.map(() => 200));
    network.slow(0);
    await flood;
  });
});

describe('with the limits on, and no time passing', () => {
  // Each has a server of its own: what one used up is not the other's.
  const limited = async (): Promise<RunningServer> => {
    const {op, servers} = await theWorld();
    return servers.server(
      {
        ...CLIENT,
        RATE_LIMITS: 'On',
        OIDC_CLIENT_SECRET: op.clientSecret,
        OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
      },
      {clock: {...systemClock, monotonic: () => 1_000}},
    );
  };

  it('made-up tokens of one address are looked up 600 times, and what is good goes on where it is known', async () => {
    const server = await limited();
    const ask = async (n: number): Promise<number> =>
      (n % 2 === 0
        ? await refresh(server, madeUp())
        : await postForm(server, '/auth/revoke', {token: madeUp()})
      ).status;
    const seen = new Set<number>();
    for (let n = 0; n < 600; n += 20)
      for (const status of await Promise.all(Array.from({length: 20}, (_, i) => ask(n + i))))
        seen.add(status);
    expect(seen).toEqual(new Set([401, 200]));
    const refused = await refresh(server, madeUp());
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await postForm(server, '/auth/revoke', {token: madeUp()})).status).toBe(429);
    expect(
      (await fetch(`${server.url}/auth/verify`, {headers: {cookie: `__Host-fraiseql-session=${madeUp()}`}}))
        .status,
    ).toBe(429);
    const held = await holdSession(server, {subject: someone()});
    expect(
      (await fetch(`${server.url}/auth/verify`, {headers: {authorization: `Bearer ${held.access}`}})).status,
    ).toBe(200);
    await server.stop(0);
  });

  it('a client secret is guessed ten times (RFC 6749, section 2.3.1)', async () => {
    const server = await limited();
    const guess = async (path: string, secret: string): Promise<number> =>
      (await postForm(server, path, {token: 'x'}, basic(secret))).status;
    for (let n = 0; n < 5; n++) {
      expect(await guess('/auth/introspect', SECRET)).toBe(200);
      expect(await guess('/auth/introspect', madeUp())).toBe(401);
      expect(await guess('/auth/revoke', madeUp())).toBe(401);
    }
    expect([await guess('/auth/introspect', SECRET), await guess('/auth/revoke', madeUp())]).toEqual([
      429, 429,
    ]);
    await server.stop(0);
  });
});

const moment = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

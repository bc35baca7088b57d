// What one replica has read of a session, the others know through Redis; and nobody can make use of what stands there.
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {until} from '../../support/server/stack.ts';
import {newAddress, post, Sharing} from './support/sharing.ts';

let sharing: Sharing;
let a: RunningServer;
let b: RunningServer;
beforeAll(async () => {
  sharing = await Sharing.start();
  ({a, b} = sharing);
});
afterEach(() => sharing.anew());
afterAll(() => sharing.close());

let users = 0;
const newSession = (): Promise<HeldSession> =>
  holdSession(a, {subject: `user-${(users += 1)}`, email: `user-${users}@example.com`});

async function looks(server: RunningServer): Promise<Record<string, number>> {
  const text = await metricsOf(server);
  const found = text.matchAll(/^fraiseql_auth_session_cache_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, outcome, count]) => [outcome, Number(count)]));
}

/**
 * A session that b took from Redis, and what it found there: what a read leaves there must be a little younger than b's
 * feed to be believed.
 */
async function sharedSession(): Promise<HeldSession & {readonly key: string; readonly entry: string}> {
  let held = await newSession();
  let there: {key: string; entry: string} | undefined;
  await until('a hit', async () => {
    held = await newSession();
    const hits = (await looks(b))['hit'] ?? 0;
    expect(await verifyStatus(a, held)).toBe(200);
    there = await entryLike((key) => key.endsWith(`:session:${held.id}`));
    if (there === undefined) return false;
    expect(await verifyStatus(b, held)).toBe(200);
    return ((await looks(b))['hit'] ?? 0) > hits;
  });
  return {...held, key: '', entry: '', ...there};
}

/** What Redis holds under such a key, as soon as it is there. What is read while the feed is late is not written down. */
async function entryLike(fits: (key: string) => boolean): Promise<{key: string; entry: string} | undefined> {
  const deadline = performance.now() + 2_000;
  while (performance.now() < deadline) {
    const found = Object.entries(await sharing.redis.dump()).find(([key]) => fits(key));
    if (found !== undefined) return {key: found[0], entry: found[1]};
    await delay(25);
  }
  return undefined;
}

describe('a session that one replica read', () => {
  it('is known to the others without a read of the database, and Redis holds nothing that anybody could use', async () => {
    const held = await sharedSession();
    const {entry} = held;
    expect(entry).toMatch(/^[\w-]{100,}$/);
    const all = JSON.stringify(await sharing.redis.dump());
    for (const secret of [held.access, held.refresh, held.userId, '@example.com'])
      expect(all).not.toContain(secret);
  });

  it('is refused everywhere when it has ended, though the entry is still there, or put back', async () => {
    const held = await sharedSession();
    const {key, entry} = held;
    expect((await post(a, '/auth/logout', newAddress(), {refresh_token: held.refresh})).status).toBe(204);
    await until('refused by b', async () => (await verifyStatus(b, held)) === 401);
    await sharing.redis.client.set(key, entry);
    for (const server of [a, b]) expect(await verifyStatus(server, held)).toBe(401);

    // Nor does one believe it that was not there to hear of the end.
    const late = await sharing.replica();
    await until('its feed', async () =>
      (await metricsOf(late)).includes('fraiseql_auth_revocation_feed_up 1'),
    );
    expect(await verifyStatus(late, held)).toBe(401);
    expect(await looks(late)).not.toHaveProperty('hit');
  });

  it('cannot be made up by who can write to Redis', async () => {
    const [held, other] = [await newSession(), await sharedSession()];
    const {key, entry} = other;
    const forged = key.replace(other.id, held.id);
    await a.services.sessions.revoke(held.id);
    for (const text of [
      entry,
      'nonsense',
      Buffer.from(JSON.stringify({session: {id: held.id}})).toString('base64url'),
    ]) {
      await sharing.redis.client.set(forged, text);
      expect(await verifyStatus(b, held)).toBe(401);
    }
  });

  it('of a browser is known by its cookie', async () => {
    await until('a hit', async () => {
      const {secret} = await a.services.sessions.create(
        {
          provider: 'oidc',
          issuer: 'https://id.example.com',
          subject: 'browser',
          email: undefined,
          name: undefined,
        },
        'cookie',
      );
      const ask = (server: RunningServer): Promise<Response> =>
        fetch(`${server.url}/auth/verify`, {headers: {cookie: `fraiseql-session=${secret}`}});
      expect((await ask(a)).status).toBe(200);
      if ((await entryLike((key) => key.includes(':cookie:'))) === undefined) return false;
      const hits = (await looks(b))['hit'] ?? 0;
      expect((await ask(b)).status).toBe(200);
      expect(JSON.stringify(await sharing.redis.dump())).not.toContain(secret);
      await sharing.redis.client.flushall();
      return ((await looks(b))['hit'] ?? 0) > hits;
    });
  });

  it('stays in the database without STATE_KEY, and limits are shared all the same', async () => {
    const unsealed = await sharing.connected({STATE_KEY: ''});
    const held = await newSession();
    expect(await verifyStatus(unsealed, held)).toBe(200);
    expect(await looks(unsealed)).toEqual({});
    const from = newAddress();
    await post(unsealed, '/auth/logout', from);
    expect(Object.keys(await sharing.redis.dump()).some((key) => key.endsWith(`limit:logout:${from}`))).toBe(
      true,
    );
  });
});

// Refreshing exactly once, when everything that can go wrong between a client and two replicas does. What is counted are
// false logouts: a 401 for a client that did nothing wrong.
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {hashOf} from '../../../src/server/sessions/secrets.ts';
import {ROTATE_MANY} from '../../../src/server/sessions/statements.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import type {Tokens} from '../../support/login.ts';
import {seededRandom} from '../../support/random.ts';
import {holdSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let network: FaultProxy;
let a: RunningServer;
let b: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  [a, {server: b, network}] = await Promise.all([stack.server(), stack.cutOff()]);
});
afterAll(() => stack.close());

const newSession = async (server: RunningServer, subject: string): Promise<string> =>
  (await holdSession(server, {subject})).refresh;

function present(server: RunningServer, token: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({refresh_token: token}),
    ...(signal === undefined ? {} : {signal}),
  });
}

async function refreshed(server: RunningServer, token: string): Promise<string> {
  const answer = await present(server, token);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as Tokens).refresh_token;
}

describe('a token whose successor was exchanged already', () => {
  it('leads to the live one, however long the chain, so that no fork ends the session later', async () => {
    const short = await stack.server({REFRESH_REPLAY_WINDOW: '1'});
    const first = await newSession(short, 'fork');
    let live = first;
    for (let round = 0; round < 5; round++) live = await refreshed(round % 2 ? a : short, live);
    const given = await refreshed(b, first);
    expect(given).toBe(live);
    // Past the window of everything but the live token, both tabs go on with what they were given.
    await delay(1_200);
    const next = await refreshed(short, given);
    expect(await refreshed(short, live)).toBe(next);
  });

  it('ends the session where it is itself past its window, and the live one is worth nothing then', async () => {
    const short = await stack.server({REFRESH_REPLAY_WINDOW: '1'});
    const first = await newSession(short, 'late');
    const live = await refreshed(short, await refreshed(short, first));
    await delay(1_200);
    expect((await present(short, first)).status).toBe(401);
    expect((await present(short, live)).status).toBe(401);
  });

  it('opens for nobody who has only the table', async () => {
    const first = await newSession(a, 'sealed');
    const live = await refreshed(a, await refreshed(a, first));
    await stack.database.asSuperuser(
      `UPDATE _system.refresh_history SET successor_sealed = set_byte(successor_sealed, 30, get_byte(successor_sealed, 30) # 1)
       WHERE session_id = (SELECT session_id FROM _system.refresh_history ORDER BY rotated_at DESC LIMIT 1)`,
    );
    // A link that was changed leads nowhere; it is no reuse, and the session goes on.
    expect((await present(a, first)).status).toBe(401);
    await refreshed(a, live);
  });
});

describe('the rotation of many', () => {
  it('looks each token up, though it was planned before the tables had statistics', async () => {
    const client = new Client({connectionString: stack.database.url});
    await client.connect();
    await client.query('SET plan_cache_mode = force_generic_plan');
    await client.query(`PREPARE many (text[], text[], text[], float8) AS ${ROTATE_MANY.text}`);
    const {rows} = await client.query<{'QUERY PLAN': string}>("EXPLAIN EXECUTE many ('{}', '{}', '{}', 60)");
    await client.end();
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toMatch(/(Seq|Bitmap Heap) Scan on/);
    expect(plan).toMatch(/Index Scan using sessions_refresh_token_hash_key/);
  });
});

describe('a session whose row somebody holds', () => {
  it('holds up its own refresh alone', async () => {
    const [held, ...others] = await Promise.all(
      Array.from({length: 40}, (_, index) => newSession(a, `held-${index}`)),
    );
    const admin = new Client({connectionString: stack.database.url});
    await admin.connect();
    await admin.query('BEGIN');
    await admin.query('SELECT FROM _system.sessions WHERE refresh_token_hash = $1 FOR UPDATE', [
      hashOf(held ?? ''),
    ]);
    let answered = false;
    const waiting = refreshed(a, held ?? '').then((token) => {
      answered = true;
      return token;
    });
    await Promise.all(others.map((token) => refreshed(a, token)));
    expect(answered).toBe(false);
    await admin.query('COMMIT');
    await admin.end();
    expect(await waiting).not.toBe(held);
  });
});

describe('500 refreshes on two replicas', () => {
  it('with races, lost responses and broken connections to the database: no false logout', async () => {
    const random = seededRandom(20261123);
    const pick = (): RunningServer => (random() < 0.5 ? a : b);
    const counts = {refreshes: 0, lost: 0, unavailable: 0, falseLogouts: 0};

    /** One client's refresh: tries the same token until it has an answer, as a client with a poor network does. */
    async function refresh(token: string): Promise<string> {
      for (;;) {
        const lossy = random() < 0.15;
        const signal = lossy ? AbortSignal.timeout(1 + Math.floor(random() * 12)) : undefined;
        try {
          const answer = await present(pick(), token, signal);
          const body = (await answer.json()) as Tokens;
          counts.refreshes++;
          if (answer.status === 200) return body.refresh_token;
          if (answer.status === 401) {
            counts.falseLogouts++;
            return '';
          }
          counts.unavailable++;
          await delay(20);
        } catch (error) {
          if (!(error instanceof Error && error.name === 'TimeoutError')) throw error;
          counts.lost++;
        }
      }
    }

    /** A browser whose tabs share the session; now and then several refresh at once, or one comes late. */
    async function live(index: number): Promise<void> {
      let token = await newSession(a, `stress-${index}`);
      let older = token;
      for (let round = 0; round < 20 && token !== ''; round++) {
        const what = random();
        if (what < 0.3) {
          const tabs = await Promise.all(
            Array.from({length: 2 + Math.floor(random() * 4)}, () => refresh(token)),
          );
          // Which tab writes last to the shared store is chance.
          [older, token] = [token, tabs[Math.floor(random() * tabs.length)] ?? ''];
        } else if (what < 0.45) {
          token = await refresh(older);
        } else {
          [older, token] = [token, await refresh(token)];
        }
      }
    }

    const over = new AbortController();
    const chaos = (async () => {
      while (!over.signal.aborted) {
        await delay(150 + random() * 250);
        network.reset();
      }
    })();
    const clients = Array.from({length: 16}, (_, index) => index);
    const workers = Array.from({length: 12}, async () => {
      for (let index = clients.pop(); index !== undefined; index = clients.pop()) await live(index);
    });
    await Promise.all(workers);
    over.abort();
    await chaos;
    await until('b is well', () => b.services.health.database.state === 'up');

    expect(counts.falseLogouts).toBe(0);
    expect(counts.refreshes).toBeGreaterThanOrEqual(500);
    expect(counts.lost).toBeGreaterThan(10);
    expect(counts.unavailable).toBeGreaterThan(0);
    expect(stack.audit().filter(({event}) => event === 'session_reuse_detected')).toHaveLength(1);
  });
});

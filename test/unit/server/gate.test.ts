import {setTimeout as delay} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import fastify, {type FastifyInstance} from 'fastify';
import {Metrics} from '../../../src/server/metrics.ts';
import {Gate} from '../../../src/server/overload/gate.ts';
import {FakeClock} from '../kube/fake-clock.ts';

const ROUTES = {
  login: 'POST /auth/start',
  refresh: 'POST /auth/refresh',
  check: 'GET /auth/verify',
  ending: 'POST /auth/logout',
} as const;
type Lane = keyof typeof ROUTES;
const REVOKE = 'POST /auth/revoke';

let clock: FakeClock;
let metrics: Metrics;
let gate: Gate;
let app: FastifyInstance;
/** Lets all who are under way go. */
let release: () => void;

beforeEach(async () => {
  clock = new FakeClock();
  metrics = new Metrics();
  gate = new Gate(clock, metrics);
  app = fastify();
  gate.guard(app, (request) => Promise.resolve(request.headers.authorization !== undefined));
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  for (const route of [...Object.values(ROUTES), REVOKE, 'GET /health/live']) {
    const [method, url] = route.split(' ') as ['GET' | 'POST', string];
    app.route({
      method,
      url,
      handler: async (request) => {
        if (request.headers['x-hold'] !== undefined) await held;
        return 'done';
      },
    });
  }
  await app.ready();
});
afterEach(async () => {
  release();
  gate.stop();
  await app.close();
});

const [ask, hold, askAsClient] = [{}, {'x-hold': '1'}, {authorization: 'x'}].map(
  (headers) => async (route: string) => {
    const [method, url] = route.split(' ') as ['GET' | 'POST', string];
    const {statusCode, headers: answered} = await app.inject({method, url, headers});
    return {status: statusCode, retryAfter: Number(answered['retry-after'])};
  },
) as [Ask, Ask, Ask];
type Ask = (route: string) => Promise<{status: number; retryAfter: number}>;

const statusOf = async (lane: Lane): Promise<number> => (await ask(ROUTES[lane])).status;

/** That many of a lane come, and stay. */
async function fill(lane: Lane, count: number): Promise<{ended: Promise<unknown>}> {
  const under = Array.from({length: count}, () => hold(ROUTES[lane]));
  await expect.poll(() => inFlight(lane), {timeout: 10_000, interval: 5}).toBe(count);
  return {ended: Promise.all(under)};
}

async function inFlight(lane: Lane): Promise<number> {
  const text = await metrics.registry.getSingleMetricAsString('fraiseql_auth_requests_in_flight');
  return Number(new RegExp(`urgency="${lane}"\\} (\\d+)`).exec(text)?.[1]);
}

describe('as many are under way as may be', () => {
  it('logins are refused at 500, with 503 and Retry-After, and nothing else is', async () => {
    const under = await fill('login', 500);
    const refused = await ask(ROUTES.login);
    expect(refused.status).toBe(503);
    expect(refused.retryAfter).toBeGreaterThanOrEqual(1);
    for (const lane of ['refresh', 'check', 'ending'] as const) expect(await statusOf(lane)).toBe(200);
    expect((await ask('GET /health/live')).status).toBe(200);
    expect(await metrics.registry.getSingleMetricAsString('fraiseql_auth_shed_total')).toContain(
      'fraiseql_auth_shed_total{urgency="login",cause="in_flight"} 1',
    );
    release();
    await under.ended;
    expect(await inFlight('login')).toBe(0);
    expect(await statusOf('login')).toBe(200);
  });

  it('what anybody sends to be revoked is refused with the logins, what the client sends with what ends sessions', async () => {
    await fill('login', 499);
    const stranger = hold(REVOKE);
    await expect.poll(() => inFlight('login'), {timeout: 10_000, interval: 5}).toBe(500);
    expect((await ask(REVOKE)).status).toBe(503);
    expect((await askAsClient(REVOKE)).status).toBe(200);
    release();
    expect((await stranger).status).toBe(200);
  });

  it.each<[Record<Exclude<Lane, 'login'>, number>, Record<Lane, number>]>([
    [
      {refresh: 999, check: 0, ending: 0},
      {login: 200, refresh: 200, check: 200, ending: 200},
    ],
    [
      {refresh: 1_000, check: 0, ending: 0},
      {login: 200, refresh: 503, check: 200, ending: 200},
    ],
    [
      {refresh: 500, check: 1_000, ending: 0},
      {login: 200, refresh: 503, check: 503, ending: 200},
    ],
    [
      {refresh: 500, check: 900, ending: 600},
      {login: 200, refresh: 503, check: 503, ending: 503},
    ],
  ])('with %j under way: %j', async (counts, expected) => {
    for (const [lane, count] of Object.entries(counts)) await fill(lane as Lane, count);
    const found = {} as Record<Lane, number>;
    for (const lane of ['login', 'refresh', 'check', 'ending'] as const) found[lane] = await statusOf(lane);
    expect(found).toEqual(expected);
  });
});

describe('the event loop is late', () => {
  /** Nothing happens for so long; then the loop turns, and the gate looks. Its first tick since it looked counts nothing. */
  async function stall(ms: number): Promise<void> {
    await delay(30);
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
  }

  it('logins are refused after two late samples, not after one, and taken again after one in time', async () => {
    gate.start();
    await stall(1_500);
    expect(await statusOf('login')).toBe(200);
    // The mean counts: where the machine takes its time between two stalls, ticks come in between that are not late.
    let stalls = 1;
    do {
      expect(stalls++).toBeLessThan(10);
      await stall(1_500);
    } while ((await statusOf('login')) !== 503);
    expect([await statusOf('check'), await statusOf('ending')]).toEqual([200, 200]);
    expect(await metrics.registry.getSingleMetricAsString('fraiseql_auth_shed_total')).toContain(
      'fraiseql_auth_shed_total{urgency="login",cause="event_loop"} 1',
    );
    await stall(0);
    expect(await statusOf('login')).toBe(200);
  });
});

// More is asked than a slow database can do: who logs in is refused first, who logs out last, and nobody is logged out.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

const LOGINS = 600;
const STAYING = 40;
const LEAVING = 8;

let stack: Stack;
let network: FaultProxy;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  ({server, network} = await stack.cutOff({DATABASE_POOL_SIZE: '5'}));
});
afterAll(() => stack.close());

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly refreshToken: string | undefined;
  readonly code: string | undefined;
}

async function post(path: string, body: unknown = {}): Promise<Answer> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const parsed = (text === '' ? {} : JSON.parse(text)) as {
    refresh_token?: string;
    errors?: {extensions: {code: string}}[];
  };
  return {
    status: answer.status,
    retryAfter: Number(answer.headers.get('retry-after')),
    refreshToken: parsed.refresh_token,
    code: parsed.errors?.[0]?.extensions.code,
  };
}

async function shed(): Promise<Record<string, number>> {
  const text = await metricsOf(server);
  const totals: Record<string, number> = {};
  for (const [, urgency = '', count] of text.matchAll(
    /^fraiseql_auth_shed_total\{urgency="(\w+)",cause="\w+"\} (\d+)$/gm,
  ))
    totals[urgency] = (totals[urgency] ?? 0) + Number(count);
  return totals;
}

it('sheds logins first, then refreshes, logouts last; each refusal is a 503 with Retry-After, and it recovers', async () => {
  const hold = (count: number): Promise<HeldSession[]> =>
    Promise.all(Array.from({length: count}, (_, index) => holdSession(server, {subject: `user-${index}`})));
  const [staying, leaving] = [await hold(STAYING), await hold(LEAVING)];
  network.slow(300);

  // Four connections, each busy for a third of a second: a dozen statements a second, and hundreds are asked for.
  const logins = Array.from({length: LOGINS}, () => post('/auth/start'));
  const refreshes = staying.map(({refresh}) => post('/auth/refresh', {refresh_token: refresh}));
  await until('a queue', async () => ((await shed())['login'] ?? 0) > 0);
  const logouts = leaving.map(({refresh}) => post('/auth/logout', {refresh_token: refresh}));
  const [begun, refreshed, ended] = await Promise.all([
    Promise.all(logins),
    Promise.all(refreshes),
    Promise.all(logouts),
  ]);

  const refused = begun.filter(({status}) => status === 503);
  expect(new Set(begun.map(({status}) => status))).toEqual(new Set([200, 503]));
  expect(refused.length).toBeGreaterThan(LOGINS / 10);
  for (const {retryAfter, code} of refused) {
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(code).toBe('server_error');
  }
  // Refreshes come before logins, and none is answered with a word that would log anybody out.
  expect(refreshed.filter(({status}) => status !== 200 && status !== 503)).toEqual([]);
  const share = (answers: readonly Answer[]): number =>
    answers.filter(({status}) => status === 503).length / answers.length;
  const metrics = await metricsOf(server);
  const causes = metrics.match(/^fraiseql_auth_shed_total.*$/gm)?.join('; ');
  expect(share(refreshed), `what was shed: ${causes}`).toBeLessThan(share(begun));
  expect(ended.map(({status}) => status)).toEqual(ended.map(() => 204));
  expect((await shed())['ending']).toBeUndefined();
  expect(stack.logs.join('')).toContain('overloaded: ');

  network.slow(0);
  await until('logins again', async () => (await post('/auth/start')).status === 200);
  // Who was refused still has a good token; who was answered, the next.
  const tokens = staying.map(({refresh}, index) => refreshed[index]?.refreshToken ?? refresh);
  const again = await Promise.all(tokens.map((token) => post('/auth/refresh', {refresh_token: token})));
  expect(again.map(({status}) => status)).toEqual(again.map(() => 200));
  for (const held of leaving) expect(await verifyStatus(server, held)).toBe(401);
});

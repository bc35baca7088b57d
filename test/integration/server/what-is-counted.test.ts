// What the totals and the audit trail say of logins and of sessions that their user ends.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {
  closeTheWorld,
  authServer,
  HOME,
  logIn,
  refresh,
  theWorld,
  visit,
} from '../../support/server/auth-server.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {holdSession} from '../../support/server/sessions.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});
afterAll(closeTheWorld);

const totals = async (): Promise<Record<string, number>> =>
  (await (await fetch(`${server.url}/metrics/auth`)).json()) as Record<string, number>;

it('a token is issued by a login that answers with tokens, and by none that ends in a cookie', async () => {
  await visit(server, {}, {return_to: '/app'});
  expect(await totals()).toMatchObject({successful_authentications: 1, tokens_issued: 0});
  await logIn(server);
  expect(await totals()).toMatchObject({successful_authentications: 2, tokens_issued: 1});
});

it('a session that its user ends is noted with its provider', async () => {
  const {browser} = await visit(server, {claims: {sub: 'tidy'}}, {return_to: '/app'});
  const {issuer} = (await theWorld()).op;
  const {id} = await holdSession(server, {subject: 'tidy', issuer});
  expect((await browser.visit(`${HOME}/auth/sessions/${id}`, {method: 'DELETE'})).status).toBe(204);
  const {servers} = await theWorld();
  const noted = servers.audit().filter(({event, session}) => event === 'session_revoked' && session === id);
  expect(noted).toMatchObject([{provider: 'oidc', reason: 'user'}]);
});

it('a refresh token that is made up, used again or of a session that has ended has a reason of its own', async () => {
  const strict = await authServer({REFRESH_REPLAY_WINDOW: '0'});
  const [reused, ended] = [await logIn(strict), await logIn(strict)];
  await refresh(strict, reused.refresh_token);
  const headers = {authorization: `Bearer ${ended.access_token}`};
  await fetch(`${strict.url}/auth/logout`, {method: 'POST', headers});
  for (const token of ['made-up', 'made-up-too', reused.refresh_token, ended.refresh_token])
    expect((await refresh(strict, token)).status).toBe(401);
  const counted = (await metricsOf(strict))
    .split('\n')
    .filter((line) => line.startsWith('fraiseql_auth_failures_total{'));
  expect(counted.sort()).toEqual([
    'fraiseql_auth_failures_total{provider="none",reason="token_not_found"} 2',
    'fraiseql_auth_failures_total{provider="oidc",reason="session_ended"} 1',
    'fraiseql_auth_failures_total{provider="oidc",reason="token_reused"} 1',
  ]);
});

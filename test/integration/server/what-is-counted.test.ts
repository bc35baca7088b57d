// What the totals and the audit trail say of logins and of sessions that their user ends.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {closeTheWorld, authServer, HOME, logIn, theWorld, visit} from '../../support/server/auth-server.ts';
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

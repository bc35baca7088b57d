import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startStack, until, type Stack} from './support/stack.ts';
import {holdSession, postForm, verifyStatus} from './support/sessions.ts';

let stack: Stack;
let a: RunningServer;
let b: RunningServer;
const client = {INTROSPECTION_CLIENT_ID: 'gateway', INTROSPECTION_CLIENT_SECRET: 'a secret of the gateway'};
beforeAll(async () => {
  stack = await startStack();
  [a, b] = await Promise.all([stack.server(client), stack.server()]);
});
afterAll(() => stack.close());

describe('RFC 7009 2.1: a token that is revoked', () => {
  it.each(['refresh', 'access'] as const)('a %s token ends its session, on every replica', async (kind) => {
    const held = await holdSession(a, {subject: `revoked-${kind}`});
    expect([await verifyStatus(a, held), await verifyStatus(b, held)]).toEqual([200, 200]);
    const answer = await postForm(a, '/auth/revoke', {token: held[kind]});
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(await verifyStatus(a, held)).toBe(401);
    await until('the word to arrive', async () => (await verifyStatus(b, held)) === 401, 1_000);
    const refresh = await postForm(b, '/auth/refresh', {refresh_token: held.refresh});
    expect(refresh.status).toBe(401);
    expect(stack.audit().find((entry) => entry['session'] === held.id)).toMatchObject({
      event: 'session_revoked',
      reason: 'token_revoked',
    });
  });

  it('ends that session and no other of the user', async () => {
    const [one, other] = [await holdSession(a, {subject: 'two'}), await holdSession(a, {subject: 'two'})];
    await postForm(a, '/auth/revoke', {token: one.refresh, token_type_hint: 'access_token'});
    expect([await verifyStatus(a, one), await verifyStatus(a, other)]).toEqual([401, 200]);
  });

  it('needs no client authentication, but a wrong one is refused and changes nothing (RFC 6749 5.2)', async () => {
    const held = await holdSession(a, {subject: 'client'});
    const wrong = {authorization: `Basic ${Buffer.from('gateway:wrong').toString('base64')}`};
    const refused = await postForm(a, '/auth/revoke', {token: held.refresh}, wrong);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({error: 'invalid_client'});
    expect(await verifyStatus(a, held)).toBe(200);
  });
});

describe('RFC 7009 2.2: the answer', () => {
  it.each(['unknown', 'a.b.c', 'x'.repeat(43)])('is a 200 for %s', async (token) => {
    expect((await postForm(a, '/auth/revoke', {token})).status).toBe(200);
  });

  it('is a 200 the second time', async () => {
    const held = await holdSession(a, {subject: 'twice'});
    for (let round = 0; round < 2; round++)
      expect((await postForm(a, '/auth/revoke', {token: held.refresh})).status).toBe(200);
  });

  it('is a 400 without a token, and a 405 for a GET', async () => {
    expect((await postForm(a, '/auth/revoke', {})).status).toBe(400);
    expect((await fetch(`${a.url}/auth/revoke`)).status).toBe(405);
  });
});

describe("a user's own sessions", () => {
  const list = async (held: {access: string}): Promise<Record<string, unknown>[]> => {
    const answer = await fetch(`${a.url}/auth/sessions`, {headers: {authorization: `Bearer ${held.access}`}});
    expect(answer.status).toBe(200);
    return (await answer.json()) as Record<string, unknown>[];
  };
  const end = async (held: {access: string}, id: string): Promise<number> =>
    (
      await fetch(`${a.url}/auth/sessions/${id}`, {
        method: 'DELETE',
        headers: {authorization: `Bearer ${held.access}`},
      })
    ).status;

  it('are listed, this one marked, those of others and ended ones left out', async () => {
    const [one, two, ended] = [
      await holdSession(a, {subject: 'list'}),
      await holdSession(a, {subject: 'list'}),
      await holdSession(a, {subject: 'list'}),
    ];
    await holdSession(a, {subject: 'someone else'});
    await a.services.sessions.revoke(ended.id);
    const seen = await list(one);
    expect(new Set(seen.map(({id}) => id))).toEqual(new Set([one.id, two.id]));
    expect(seen.filter(({current}) => current).map(({id}) => id)).toEqual([one.id]);
    expect(seen[0]).toMatchObject({
      provider: 'oidc',
      created_at: expect.any(Number),
      expires_at: expect.any(Number),
    });
  });

  it('can be ended one by one; those of others, unknown and ended ones are a 404 alike', async () => {
    const [one, two] = [await holdSession(a, {subject: 'mine'}), await holdSession(a, {subject: 'mine'})];
    const other = await holdSession(a, {subject: 'theirs'});
    expect(await end(one, two.id)).toBe(204);
    expect(await verifyStatus(a, two)).toBe(401);
    expect(await end(one, two.id)).toBe(404);
    expect(await end(one, other.id)).toBe(404);
    expect(await end(one, 'no-uuid')).toBe(404);
    expect(await end(one, '00000000-0000-0000-0000-000000000000')).toBe(404);
    expect(await verifyStatus(a, other)).toBe(200);
    expect(await end(one, one.id)).toBe(204);
    expect(await end(one, one.id)).toBe(401);
  });
});

import {describe, expect, it} from 'vitest';
import {holdSession, type HeldSession} from '../../support/server/sessions.ts';
import {authServer, someone, statusOf} from '../../support/server/auth-server.ts';

const server = await authServer();

const list = async (held: HeldSession): Promise<Record<string, unknown>[]> => {
  const answer = await fetch(`${server.url}/auth/sessions`, {
    headers: {authorization: `Bearer ${held.access}`},
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>[];
};
const end = async (held: HeldSession, id: string): Promise<number> =>
  (
    await fetch(`${server.url}/auth/sessions/${id}`, {
      method: 'DELETE',
      headers: {authorization: `Bearer ${held.access}`},
    })
  ).status;

describe('OWASP ASVS 7.5.2: users see their own sessions and end any or all of them', () => {
  it('they are listed, this one marked, those of others and ended ones left out', async () => {
    const subject = someone();
    const [one, two, ended] = [
      await holdSession(server, {subject}),
      await holdSession(server, {subject}),
      await holdSession(server, {subject}),
    ];
    await holdSession(server, {subject: someone()});
    await server.services.sessions.revoke(ended.id);
    const seen = await list(one);
    expect(new Set(seen.map(({id}) => id))).toEqual(new Set([one.id, two.id]));
    expect(seen.filter(({current}) => current).map(({id}) => id)).toEqual([one.id]);
    expect(seen[0]).toMatchObject({
      provider: 'oidc',
      created_at: expect.any(Number),
      expires_at: expect.any(Number),
    });
  });

  it('they are ended one by one; those of others, unknown and ended ones are a 404 alike', async () => {
    const subject = someone();
    const [one, two] = [await holdSession(server, {subject}), await holdSession(server, {subject})];
    const other = await holdSession(server, {subject: someone()});
    expect(await end(one, two.id)).toBe(204);
    expect(await statusOf(server, two.access)).toBe(401);
    expect(await end(one, two.id)).toBe(404);
    expect(await end(one, other.id)).toBe(404);
    expect(await end(one, 'no-uuid')).toBe(404);
    expect(await end(one, '00000000-0000-0000-0000-000000000000')).toBe(404);
    expect(await statusOf(server, other.access)).toBe(200);
    expect(await end(one, one.id)).toBe(204);
    expect(await end(one, one.id)).toBe(401);
  });

  it('and all at once', async () => {
    const subject = someone();
    const [one, two] = [await holdSession(server, {subject}), await holdSession(server, {subject})];
    const other = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}/auth/logout`, {
      method: 'POST',
      headers: {authorization: `Bearer ${one.access}`, 'content-type': 'application/json'},
      body: '{"all":true}',
    });
    expect(answer.status).toBe(204);
    const statuses = await Promise.all([one, two, other].map((held) => statusOf(server, held.access)));
    expect(statuses).toEqual([401, 401, 200]);
  });
});

import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, refresh, someone, statusOf, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.14.2: each refresh gives a new token; one that comes back ends its session', () => {
  const strict = {REFRESH_REPLAY_WINDOW: '0'};

  it('and only that one, with the tokens that came of it', async () => {
    const server = await authServer(strict);
    const subject = someone();
    const [stolen, other] = [await holdSession(server, {subject}), await holdSession(server, {subject})];
    const next = (await (await refresh(server, stolen.refresh)).json()) as Tokens;
    expect(next.refresh_token).not.toBe(stolen.refresh);
    expect((await refresh(server, stolen.refresh)).status).toBe(401);
    expect((await refresh(server, next.refresh_token)).status).toBe(401);
    expect(await statusOf(server, next.access_token)).toBe(401);
    expect(await statusOf(server, other.access)).toBe(200);
    const {servers} = await theWorld();
    expect(
      servers.audit().some((e) => e['event'] === 'session_reuse_detected' && e['session'] === stolen.id),
    ).toBe(true);
  });

  it('within the replay window it gives the same successor, so that a lost answer logs nobody out', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    const answers = await Promise.all(Array.from({length: 5}, () => refresh(server, held.refresh)));
    const tokens = await Promise.all(answers.map((answer) => answer.json() as Promise<Tokens>));
    expect(new Set(tokens.map((token) => token.refresh_token)).size).toBe(1);
  });

  it('the answer does not tell a token that was used again from one that never was', async () => {
    const server = await authServer(strict);
    const used = await holdSession(server, {subject: someone()});
    await refresh(server, used.refresh);
    const told = await Promise.all(
      [used.refresh, 'x'.repeat(43)].map(async (token) => {
        const answer = await refresh(server, token);
        return `${answer.status} ${(await answer.text()).replace(/"request_id":"[^"]+"/, '')}`;
      }),
    );
    expect(told[0]).toBe(told[1]);
  });
});

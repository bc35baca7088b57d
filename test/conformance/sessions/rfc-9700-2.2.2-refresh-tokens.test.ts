import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, refresh, someone} from '../../support/server/auth-server.ts';

describe('RFC 9700 2.2.2: refresh tokens of public clients are rotated: each is another, and one alone is current', () => {
  it('five refreshes give five tokens, of which none but the last goes on', async () => {
    const server = await authServer({REFRESH_REPLAY_WINDOW: '0'});
    const held = await holdSession(server, {subject: someone()});
    const tokens = [held.refresh];
    for (let time = 0; time < 5; time++) {
      const answer = await refresh(server, tokens.at(-1) ?? '');
      tokens.push(((await answer.json()) as Tokens).refresh_token);
    }
    expect(new Set(tokens).size).toBe(6);
    expect((await refresh(server, tokens.at(-1) ?? '')).status).toBe(200);
    expect((await refresh(server, tokens[2] ?? '')).status).toBe(401);
  });
});

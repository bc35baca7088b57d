import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, refresh, someone, statusOf} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('RFC 7009 3: self-contained access tokens end at once too, with all of their session', () => {
  it.each(['the first access token', 'the last access token', 'the refresh token'])(
    'by %s',
    async (which) => {
      const held = await holdSession(server, {subject: someone()});
      const next = (await (await refresh(server, held.refresh)).json()) as Tokens;
      const token = {
        'the first access token': held.access,
        'the last access token': next.access_token,
        'the refresh token': next.refresh_token,
      }[which];
      await postForm(server, '/auth/revoke', {token: token ?? ''});
      const statuses = await Promise.all(
        [held.access, next.access_token].map((each) => statusOf(server, each)),
      );
      expect(statuses).toEqual([401, 401]);
      expect((await refresh(server, next.refresh_token)).status).toBe(401);
    },
  );
});

import {describe, expect, it} from 'vitest';
import {postForm} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('OpenID Connect Back-Channel Logout 2.5: the request is a form with logout_token, by POST', () => {
  it('nothing else is taken', async () => {
    const without = await postForm(server, '/auth/backchannel-logout/oidc', {});
    expect(without.status).toBe(400);
    expect(await without.json()).toMatchObject({error: 'invalid_request'});
    expect((await fetch(`${server.url}/auth/backchannel-logout/oidc`)).status).toBe(405);
    const json = await fetch(`${server.url}/auth/backchannel-logout/oidc`, {
      method: 'POST',
      headers: {'content-type': 'text/plain'},
      body: 'logout_token=x',
    });
    expect(json.status).toBe(415);
  });

  it('for a provider that is not configured is a 404', async () => {
    const answer = await postForm(server, '/auth/backchannel-logout/other', {logout_token: 'x'});
    expect(answer.status).toBe(404);
  });
});

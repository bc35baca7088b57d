import {describe, expect, it} from 'vitest';
import {postForm} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';

describe("RFC 9700 2.4: the server takes nobody's password", () => {
  it.each([
    'password',
    'client_credentials',
    'authorization_code',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ])('the grant %s is refused', async (grant) => {
    const form = {grant_type: grant, username: 'a', password: 'b', code: 'c', refresh_token: 'x'.repeat(43)};
    const answer = await postForm(await authServer(), '/auth/refresh', form);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('grant_type');
  });
});

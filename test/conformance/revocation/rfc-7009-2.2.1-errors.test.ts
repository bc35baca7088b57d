import {describe, expect, it} from 'vitest';
import {postForm} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('RFC 7009 2.2.1: errors are those of RFC 6749 5.2', () => {
  it.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['an empty token', {token: ''}],
    ['a token that is too long', {token: 'x'.repeat(8193)}],
  ])('%s is a 400 invalid_request', async (_name, form) => {
    const answer = await postForm(server, '/auth/revoke', form);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
  });

  it('a token in the address is not read: only a POST is taken', async () => {
    const answer = await fetch(`${server.url}/auth/revoke?token=x`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import type {Tokens} from '../../support/login.ts';
import {authServer, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9068 2.2.2: identity claims are none but those that a resource needs, under registered names', () => {
  it('whatever the provider tells of the person, the token holds none of it', async () => {
    const told = {
      sub: someone(),
      name: 'Ada Lovelace',
      given_name: 'Ada',
      email: 'ada@example.com',
      phone_number: '+441234567890',
      groups: ['engineers'],
      roles: ['admin'],
      entitlements: ['everything'],
      scope: 'everything',
    };
    const {answer} = await visit(await authServer(), {claims: told});
    const claims = decodeJwt((JSON.parse(answer.body) as Tokens).access_token);
    // Each is in the IANA registry of JWT claims.
    expect(Object.keys(claims).sort()).toEqual(
      ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'].sort(),
    );
    for (const value of Object.values(told).flat()) expect(Object.values(claims)).not.toContain(value);
  });
});

import {describe, expect, it} from 'vitest';
import {createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet} from 'jose';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 9068 2.1: an access token is signed, never with none, and says at+jwt', () => {
  it('verifies by the published keys', async () => {
    const {server, token} = await goodToken();
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: server.services.tokens.keys.signer.kid,
    });
    const keys = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    const {issuer, audience} = server.services.configuration.tokens;
    await jwtVerify(token, createLocalJWKSet(keys), {typ: 'at+jwt', issuer, audience: [...audience]});
    for (const key of keys.keys) {
      expect(key).toMatchObject({use: 'sig', kid: expect.any(String)});
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret);
    }
  });
});

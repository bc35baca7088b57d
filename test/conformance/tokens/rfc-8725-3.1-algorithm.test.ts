import {describe, expect, it} from 'vitest';
import {createPublicKey, createSecretKey, generateKeyPairSync} from 'node:crypto';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken, signingKey, type Forgery} from '../../support/server/access-token.ts';

const publicPem = createPublicKey(signingKey).export({type: 'spki', format: 'pem'});

describe("RFC 8725 3.1: the key decides the algorithm, never the token's header", () => {
  it.each<[string, Forgery]>([
    ['HS256 with the public key', {header: {alg: 'HS256'}, key: createSecretKey(Buffer.from(publicPem))}],
    ['PS256 with the key of RS256', {header: {alg: 'PS256'}}],
    ['RS384 with the key of RS256', {header: {alg: 'RS384'}}],
    [
      'ES256 under the kid of an RSA key',
      {header: {alg: 'ES256'}, key: generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey},
    ],
    [
      'EdDSA under the kid of an RSA key',
      {header: {alg: 'EdDSA'}, key: generateKeyPairSync('ed25519').privateKey},
    ],
  ])('refuses an access token with %s', async (_name, change) => {
    const {server, forge} = await goodToken();
    expect(await statusOf(server, await forge(change))).toBe(401);
  });
});

// ID tokens that a relying party must refuse, by the clause that says so.
import {createSecretKey} from 'node:crypto';
import {SignJWT} from 'jose';
import {unsigned, type Answer} from './hostile-provider.ts';

export function wrongIdTokens(clientId: string): Record<string, Answer> {
  const epoch = (): number => Math.floor(Date.now() / 1000);
  return {
    'of another issuer (OIDC Core 3.1.3.7.2)': {claims: {iss: 'https://evil.example.com'}},
    'for another audience (OIDC Core 3.1.3.7.3)': {claims: {aud: 'someone-else'}},
    'with further audiences and no azp (OIDC Core 3.1.3.7.4)': {claims: {aud: [clientId, 'other']}},
    'with another azp (OIDC Core 3.1.3.7.5)': {claims: {azp: 'other'}},
    'with another nonce (OIDC Core 3.1.3.7.11)': {claims: {nonce: 'other'}},
    'without a nonce (OIDC Core 3.1.3.7.11)': {claims: {nonce: undefined}},
    'with another at_hash (OIDC Core 3.1.3.8)': {claims: {at_hash: 'AAAAAAAAAAAAAAAAAAAAAA'}},
    'that expired more than a minute ago (OIDC Core 3.1.3.7.9)': {claims: {exp: epoch() - 90}},
    'without exp (OIDC Core 2)': {claims: {exp: undefined}},
    'without sub (OIDC Core 2)': {claims: {sub: undefined}},
    'with a sub of more than 255 characters (OIDC Core 2)': {claims: {sub: 'x'.repeat(256)}},
    'with a line feed in sub': {claims: {sub: 'a\nb'}},
    'with alg none (RFC 8725 3.2)': {idToken: (claims) => unsigned(claims)},
    'signed by HS256 with the client secret (RFC 8725 2.1)': {
      idToken: (claims, {clientSecret}) =>
        new SignJWT(claims)
          .setProtectedHeader({alg: 'HS256'})
          .sign(createSecretKey(Buffer.from(clientSecret))),
    },
    'signed with a key that is not published': {
      idToken: (claims, {key}) =>
        new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'unknown'}).sign(key),
    },
    'whose signature was changed': {
      idToken: async (claims, {key}) =>
        (await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key)).replace(
          /.{8}$/,
          'AAAAAAAA',
        ),
    },
  };
}

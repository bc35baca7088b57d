import {createHash, type KeyObject} from 'node:crypto';

/** The name of a key: RFC 7638, SHA-256 over the required members of its public half in lexicographic order, base64url. */
export function thumbprint(publicKey: KeyObject): string {
  const {crv, e, kty, n, x, y} = publicKey.export({format: 'jwk'});
  const members = kty === 'RSA' ? {e, kty, n} : kty === 'EC' ? {crv, kty, x, y} : {crv, kty, x};
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

// Access tokens as nobody but the server could sign them, and as it never would: for the rules about what it takes.
import {createPrivateKey, randomUUID, type KeyObject} from 'node:crypto';
import {decodeJwt, SignJWT, type JWTPayload} from 'jose';
import type {RunningServer} from '../../../src/server/server.ts';
import {SIGNING_KEY} from './stack.ts';
import {holdSession} from './sessions.ts';
import {authServer, someone} from './auth-server.ts';

export const signingKey: KeyObject = createPrivateKey(SIGNING_KEY);

export interface Forgery {
  /** Changes the claims of a good token; one set to undefined is left out. */
  readonly claims?: Record<string, unknown>;
  /** The same for its header. */
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject;
}

export interface Good {
  readonly server: RunningServer;
  readonly token: string;
  readonly claims: JWTPayload;
  /** The same token with something changed, signed anew. */
  readonly forge: (change: Forgery) => Promise<string>;
}

/** A good token of a session that stands, and what it may be changed into. */
export async function goodToken(env: Record<string, string> = {}): Promise<Good> {
  const server = await authServer(env);
  const {access: token} = await holdSession(server, {subject: someone()});
  const claims = decodeJwt(token);
  const {kid, algorithm} = server.services.tokens.keys.signer;
  return {
    server,
    token,
    claims,
    forge: ({claims: changed = {}, header = {}, key = signingKey}) =>
      new SignJWT({...claims, jti: randomUUID(), ...changed})
        .setProtectedHeader({alg: algorithm, typ: 'at+jwt', kid, ...header})
        .sign(key),
  };
}

/** The parts of a compact JWS, put together without being signed. */
export function assemble(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}

// A provider that sends logout tokens, and sessions that came of logins there.
import {randomUUID} from 'node:crypto';
import {SignJWT, type JWTHeaderParameters, type JWTPayload} from 'jose';
import type {RunningServer} from '../../../src/server/server.ts';
import {holdSession, postForm, type HeldSession} from './sessions.ts';
import {authServer, CLIENT, someone, theWorld} from './auth-server.ts';

export const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export const epoch = (): number => Math.floor(Date.now() / 1000);

/** The claims of a logout token; a claim set to undefined is left out. */
export async function claims(changes: Record<string, unknown> = {}): Promise<JWTPayload> {
  const {op} = await theWorld();
  return {
    iss: op.issuer,
    aud: CLIENT,
    iat: epoch(),
    exp: epoch() + 120,
    jti: randomUUID(),
    events: {[EVENT]: {}},
    ...changes,
  };
}

/** The same, signed by the provider. */
export async function logoutToken(
  changes: Record<string, unknown>,
  header: {typ?: string | undefined} = {},
): Promise<string> {
  const {op} = await theWorld();
  const full = {alg: 'RS256', kid: 'one', typ: 'logout+jwt', ...header};
  // A typ that is undefined is left out by JSON.
  return new SignJWT(await claims(changes)).setProtectedHeader(full as JWTHeaderParameters).sign(op.key);
}

export async function send(token: string, server?: RunningServer): Promise<Response> {
  return postForm(server ?? (await authServer()), '/auth/backchannel-logout/oidc', {logout_token: token});
}

export interface Upstream {
  readonly held: HeldSession;
  readonly subject: string;
  readonly sid: string;
}

/** A session that came of a login at the provider. */
export async function upstream(server: RunningServer, subject = someone()): Promise<Upstream> {
  const {op} = await theWorld();
  const sid = randomUUID();
  const held = await holdSession(server, {issuer: op.issuer, subject, providerSession: sid});
  return {held, subject, sid};
}

// Sessions made without a login, for tests that are about what comes after.
import type {RunningServer} from '../../../src/server/server.ts';
import type {Identity} from '../../../src/server/sessions/session.ts';

export interface HeldSession {
  readonly id: string;
  readonly userId: string;
  readonly access: string;
  readonly refresh: string;
}

export async function holdSession(
  server: RunningServer,
  identity: Partial<Identity> & {subject: string},
): Promise<HeldSession> {
  const {session, secret} = await server.services.sessions.create(
    {
      provider: 'oidc',
      issuer: 'https://id.example.com',
      email: undefined,
      name: undefined,
      ...identity,
    },
    'token',
  );
  const {token} = await server.services.tokens.issue(session.userId, session.id, session.expiresAt);
  return {id: session.id, userId: session.userId, access: token, refresh: secret};
}

/** The status that forward authentication answers that session's access token with. */
export async function verifyStatus(server: RunningServer, held: HeldSession): Promise<number> {
  return (await fetch(`${server.url}/auth/verify`, {headers: {authorization: `Bearer ${held.access}`}}))
    .status;
}

export function postForm(
  server: RunningServer,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(server.url + path, {method: 'POST', headers, body: new URLSearchParams(form)});
}

// The client that may introspect tokens, with an id and a secret that show whether they are encoded rightly.
import {expect} from 'vitest';
import {postForm} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';

export const ID = 'gateway one';
export const SECRET = 'a secret: of %the gateway+';

const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');

export const basicOf = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`,
});

export const gatewayServer = () =>
  authServer({INTROSPECTION_CLIENT_ID: ID, INTROSPECTION_CLIENT_SECRET: SECRET});

/** What a token's introspection says. */
export async function introspect(token: string, more: Record<string, string> = {}): Promise<unknown> {
  const server = await gatewayServer();
  const answer = await postForm(server, '/auth/introspect', {token, ...more}, basicOf(ID, SECRET));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  return answer.json();
}

// Sessions for the floor and for ours: made in the database that both work on, with access tokens of the same key.
import type {Pool} from 'pg';
import {createPool} from '../../../src/database/pool.ts';
import {Database} from '../../../src/server/database.ts';
import {PROVIDER_TYPES} from '../../../src/server/providers/catalogue.ts';
import type {Identity} from '../../../src/server/sessions/session.ts';
import {Sessions} from '../../../src/server/sessions/sessions.ts';
import {AccessTokens} from '../../../src/server/tokens/access-token.ts';
import {KeySet} from '../../../src/server/tokens/keys.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {loadConfiguration} from '../../../src/support/configuration/load.ts';

/** What a client holds. */
export interface Held {
  readonly access: string;
  readonly refresh: string;
}

/** The session store and the tokens of a server with this environment, over a pool of so many connections. */
export function storeFor(
  env: Readonly<Record<string, string>>,
  connections: number,
): {sessions: Sessions; tokens: AccessTokens; pool: Pool} {
  const {configuration} = loadConfiguration({
    env: {...env, PORT: '8000'},
    development: false,
    providerTypes: PROVIDER_TYPES,
    databaseUrlProblem: () => undefined,
  });
  const pool = createPool({url: configuration.database.url, size: connections, maxLifetimeSeconds: 0});
  const {clientId} = configuration.tokens;
  const sessions = new Sessions(new Database(pool), configuration.sessions, clientId);
  const tokens = new AccessTokens(new KeySet(configuration.signingKeys), configuration.tokens, systemClock);
  return {sessions, tokens, pool};
}

/** Makes that many sessions, each another user's, for a server with this environment. */
export async function createSessions(
  env: Readonly<Record<string, string>>,
  count: number,
): Promise<readonly Held[]> {
  const {sessions, tokens, pool} = storeFor(env, 8);
  try {
    return await Promise.all(
      Array.from({length: count}, async (_, index) => {
        const {session, secret} = await sessions.create(userOf(index), 'token');
        const {token} = await tokens.issue(session.userId, session.id, session.expiresAt);
        return {access: token, refresh: secret};
      }),
    );
  } finally {
    await pool.end();
  }
}

export function userOf(index: number): Identity {
  const subject = `user-${index}`;
  return {provider: 'oidc', issuer: 'https://id.invalid', subject, email: 'a@example.com', name: 'A'};
}

// Sessions for the floor and for ours: made in the database that both work on, with access tokens of the same key.
import {createPool} from '../../../src/database/pool.ts';
import {Database} from '../../../src/server/database.ts';
import {PROVIDER_TYPES} from '../../../src/server/providers/catalogue.ts';
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

/** Makes that many sessions, each another user's, for a server with this environment. */
export async function createSessions(
  env: Readonly<Record<string, string>>,
  count: number,
): Promise<readonly Held[]> {
  const {configuration} = loadConfiguration({
    env: {...env, PORT: '8000'},
    development: false,
    providerTypes: PROVIDER_TYPES,
    databaseUrlProblem: () => undefined,
  });
  const pool = createPool({url: configuration.database.url, size: 8, maxLifetimeSeconds: 0});
  const {clientId} = configuration.tokens;
  const sessions = new Sessions(new Database(pool), configuration.sessions, clientId);
  const tokens = new AccessTokens(new KeySet(configuration.signingKeys), configuration.tokens, systemClock);
  const users = Array.from({length: count}, (_, index) => ({
    provider: 'oidc',
    issuer: 'https://id.invalid',
    subject: `user-${index}`,
    email: 'a@example.com',
    name: 'A',
  }));
  try {
    return await Promise.all(
      users.map(async (identity) => {
        const {session, secret} = await sessions.create(identity, 'token');
        const {token} = await tokens.issue(session.userId, session.id, session.expiresAt);
        return {access: token, refresh: secret};
      }),
    );
  } finally {
    await pool.end();
  }
}

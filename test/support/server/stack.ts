// What the server's tests stand on: a database with our schema in a real PostgreSQL, a real OpenID provider, and as many
// servers on the same database as a test asks for.
import {Writable} from 'node:stream';
import {pino} from 'pino';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {Audit} from '../../../src/server/audit.ts';
import {PROVIDER_TYPES} from '../../../src/server/providers/catalogue.ts';
import {startServer, type RunningServer, type ServerOptions} from '../../../src/server/server.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {loadConfiguration} from '../../../src/support/configuration/load.ts';
import {createLogger} from '../../../src/support/logging.ts';
import type {RunningProvider} from '../../fixtures/provider/provider.ts';
import type {TestPostgres} from '../postgres.ts';
import {startFaultProxy, type FaultProxy} from '../fault-proxy.ts';
import {ownDatabase, type TestDatabase} from '../shared-postgres.ts';
import {Browser} from '../browser.ts';

/** The address that people know; the edge sends it on to one of the servers, as a test decides. */
export const PUBLIC_URL = 'http://localhost:18000';
const CLIENT_ID = 'auth-server';
export const CLIENT_SECRET = 'a secret of the client: not&for=logs';

/** Servers on one database. */
export interface Servers {
  /** Every line that they logged. */
  readonly logs: string[];
  /** Starts a server with these variables beside the usual ones. */
  server(env?: NodeJS.ProcessEnv, options?: Partial<ServerOptions>): Promise<RunningServer>;
  /** The same, once it has its database, over a network that breaks as the test says. */
  cutOff(env?: NodeJS.ProcessEnv): Promise<{server: RunningServer; network: FaultProxy}>;
  /** Audit entries so far, oldest first. */
  audit(): Record<string, unknown>[];
  /** Ends the servers; what they stand on stays. */
  stop(): Promise<void>;
}

export interface Stack extends Servers {
  readonly database: Omit<TestDatabase, 'close'>;
  readonly provider: RunningProvider;
  close(): Promise<void>;
}

/** On a database of the PostgreSQL that all files share, or, for a test that stops PostgreSQL, on its own. */
export async function startStack(postgres?: TestPostgres): Promise<Stack> {
  const {startProvider} = await import('../../fixtures/provider/provider.ts');
  const [database, provider] = await Promise.all([
    postgres === undefined ? ownDatabase() : inside(postgres),
    startProvider({
      clients: [
        {clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUris: [`${PUBLIC_URL}/auth/callback`]},
      ],
    }),
  ]);
  const servers = serversOn(database.url, provider.issuer);
  return {
    database,
    provider,
    ...servers,
    async close() {
      await servers.stop();
      await Promise.all([provider.close(), database.close()]);
    },
  };
}

/** The database `fraiseql` of a server of the test's own, migrated. */
async function inside(postgres: TestPostgres): Promise<TestDatabase> {
  await migrate(postgres.url);
  const {url, port} = postgres;
  return {
    name: 'fraiseql',
    url,
    port,
    asSuperuser: (sql) => postgres.asSuperuser(sql, 'fraiseql'),
    createDatabase: () => postgres.createDatabase(),
    close: () => postgres.close(),
  };
}

const hasDatabase = (server: RunningServer): boolean => server.services.health.database.state === 'up';

/** As many as are asked for, with that issuer's provider where no other is given. */
export function serversOn(databaseUrl: string, issuer: string): Servers {
  const logs: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logs.push(chunk.toString());
      done();
    },
  });
  const servers: RunningServer[] = [];
  const networks: FaultProxy[] = [];
  const start: Servers['server'] = async (env = {}, options = {}) => {
    const configuration = configurationFor(databaseUrl, issuer, env);
    const server = await startServer({
      configuration,
      logger: createLogger({component: 'server', level: 'debug'}, sink),
      audit: new Audit(sink),
      intervals: {providerGoodMs: 500, providerBadMs: 200, databaseGoodMs: 500, databaseBadMs: 200},
      ...options,
    });
    servers.push(server);
    // On a busy machine its first look at the database may be late. Where there is none, a test goes on without.
    await until('the database', () => hasDatabase(server), 5_000).catch(() => undefined);
    return server;
  };
  return {
    logs,
    server: start,
    async cutOff(env) {
      const network = await startFaultProxy(Number(new URL(databaseUrl).port));
      networks.push(network);
      const server = await start({DATABASE_URL: network.through(databaseUrl), ...env});
      await until('the database', () => hasDatabase(server));
      return {server, network};
    },
    audit: () =>
      logs
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((entry) => entry['component'] === 'audit'),
    async stop() {
      await Promise.all(servers.map((server) => server.stop(0)));
      await Promise.all(networks.map((network) => network.close()));
    },
  };
}

const SIGNING = await import('../../../src/support/configuration/signing-keys.ts');
/** The private key that the servers sign with, PEM. */
export const SIGNING_KEY = SIGNING.developmentKey('RS256').privateKey?.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;

/** What every server is told that stands on this database and this provider. */
export function serverEnv(databaseUrl: string, issuer: string): Record<string, string> {
  return {
    PORT: '0',
    SERVER_HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    OAUTH_PROVIDER: 'oidc',
    OIDC_ISSUER_URL: issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
    OAUTH_REDIRECT_URI: `${PUBLIC_URL}/auth/callback`,
    PROVIDER_ALLOWED_HOSTS: '127.0.0.1',
  };
}

export function configurationFor(
  databaseUrl: string,
  issuer: string,
  env: NodeJS.ProcessEnv = {},
): ServerOptions['configuration'] {
  return loadFor(databaseUrl, issuer, env).configuration;
}

/** The same with the files that were read for it. */
export function loadFor(
  databaseUrl: string,
  issuer: string,
  env: NodeJS.ProcessEnv,
): ReturnType<typeof loadConfiguration> {
  return loadConfiguration({
    env: {
      ...serverEnv(databaseUrl, issuer),
      DATABASE_POOL_SIZE: '10',
      JWT_SIGNING_KEY: SIGNING_KEY,
      STATE_KEY: Buffer.alloc(32, 7).toString('base64'),
      // A test makes more requests a minute than a person; those about the limits switch them on.
      RATE_LIMITS: 'Off',
      RETURN_TO_ORIGINS: 'https://app.example.com',
      ...env,
    },
    development: false,
    providerTypes: PROVIDER_TYPES,
    databaseUrlProblem: () => undefined,
  });
}

export async function migrate(url: string): Promise<void> {
  await migrateDatabase({
    url,
    timeoutMs: 30_000,
    waitMs: 10_000,
    clock: systemClock,
    logger: pino({level: 'silent'}),
  });
}

/** A browser whose visits to the public address reach the server that `at` names at that moment. */
export function browserAt(at: () => RunningServer): Browser {
  return new Browser({
    route: (url) => (url.origin === PUBLIC_URL ? new URL(url.pathname + url.search, at().url) : undefined),
  });
}

/** Waits until the condition holds; fails after `ms` with what it waited for. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  ms = 30_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

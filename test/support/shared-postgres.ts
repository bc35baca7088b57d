import {randomBytes} from 'node:crypto';
import type {QueryResult} from 'pg';
import {inject} from 'vitest';
import {APP_ROLE, runSql} from './postgres.ts';

/** What shared-postgres-setup.ts tells the test files of the server that they share. */
export interface SharedPostgres {
  /** A database as the application's role, and one as the superuser. */
  readonly url: string;
  readonly adminUrl: string;
  /** The name of a database with our schema, to copy. */
  readonly migrated: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: SharedPostgres;
  }
}

/** A database of a test file's own, with our schema, on the server that all files share. */
export interface TestDatabase {
  readonly name: string;
  /** As the application's role, which owns it and is no superuser. */
  readonly url: string;
  readonly port: number;
  /** Runs statements in it as the superuser. What is the whole server's (roles, settings) is other files' as well. */
  asSuperuser(sql: string): Promise<QueryResult>;
  /** Makes an empty one beside it that the application's role owns and gives its URL. */
  createDatabase(): Promise<string>;
  /** Drops them, whoever is still connected. */
  close(): Promise<void>;
}

/** Makes one: some hundredths of a second. */
export async function ownDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  const admin = (sql: string): Promise<QueryResult> => runSql(server.adminUrl, sql);
  const made: string[] = [];
  async function create(template: string): Promise<string> {
    const name = `test_${randomBytes(8).toString('hex')}`;
    await admin(`CREATE DATABASE ${name} OWNER ${APP_ROLE} TEMPLATE ${template}`);
    made.push(name);
    return name;
  }
  const name = await create(server.migrated);
  return {
    name,
    url: within(server.url, name),
    port: Number(new URL(server.url).port),
    asSuperuser: (sql) => runSql(within(server.adminUrl, name), sql),
    createDatabase: async () => within(server.url, await create('template1')),
    async close() {
      for (const database of made.splice(0)) await admin(`DROP DATABASE ${database} WITH (FORCE)`);
    },
  };
}

function within(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

import type {Client} from 'pg';
import {DatabaseError, type DatabaseReason} from './errors.ts';
import {explainLocked} from './locks.ts';
import {createClient} from './pool.ts';
import {quoted} from './quoted.ts';
import {differencesFromGuide, missingIndexes, readSessionsTable} from './sessions-table.ts';
import {appliedMigrations, TABLES, versionOf} from './schema.ts';
import {serverProblem} from './server-version.ts';
import {parseDatabaseUrl} from './url.ts';
import {SCHEMA_VERSION} from './version.ts';

interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do, where something is to be done. */
  readonly hint?: string;
}

/** What `db verify` found. `reason` is set where the first failed check has one of its own. */
export interface VerifyReport {
  readonly database: string;
  readonly checks: readonly Check[];
  readonly reason?: DatabaseReason;
}

/** How long a check waits for a table that somebody else holds. */
const LOCK_TIMEOUT = '5s';
/** The connection stands; what was asked over it did not come in time. */
const SLOW: ReadonlySet<DatabaseReason> = new Set<DatabaseReason>(['TableLocked', 'StatementTimedOut']);
const PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

const ok = (name: string, message: string): Check => ({name, state: 'ok', message});
const warning = (name: string, message: string, hint: string): Check => ({
  name,
  state: 'warning',
  message,
  hint,
});
const failed = (name: string, message: string, hint: string): Check => ({
  name,
  state: 'failed',
  message,
  hint,
});

/**
 * Step 3 of the guide's database setup, in full: connects, counts the sessions, and checks all that the server needs
 * of its database. Never throws for what is wrong with the database: that is what it reports. Changes nothing.
 */
export async function verifyDatabase(urlFrom: () => string): Promise<VerifyReport> {
  let display = '(no URL)';
  try {
    const url = urlFrom();
    const target = parseDatabaseUrl(url);
    display = target.display;
    const client = createClient(url, {
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 30_000,
      applicationName: 'fraiseql-auth db verify',
    });
    let broken: Error | undefined;
    client.on('error', (error) => {
      broken = error;
    });
    try {
      await client.connect();
      // Only what changes the tables keeps others from reading them: a migration, say.
      await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
      const checks = [
        ok('connection', `connected as ${target.user}`),
        ...(await checkAll(client, target.user)),
      ];
      if (broken) throw broken;
      return {database: display, checks};
    } catch (error) {
      throw await explainLocked(error, client, target, 'VerificationFailed');
    } finally {
      await client.end();
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return {
      database: display,
      reason: error.reason,
      checks: [failed(SLOW.has(error.reason) ? 'answers' : 'connection', error.message, error.hint)],
    };
  }
}

async function checkAll(client: Client, user: string): Promise<Check[]> {
  return [
    ...(await checkServer(client, user)),
    ...(await checkSchema(client)),
    ...(await checkPrivileges(client, user)),
    await countSessions(client),
  ];
}

interface ServerState {
  readonly version: string;
  readonly number: string;
  readonly encoding: string;
  readonly timezone: string;
  readonly isolation: string;
  readonly readOnly: string;
}

async function checkServer(client: Client, user: string): Promise<Check[]> {
  const {rows} = await client.query<ServerState>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
            current_setting('server_encoding') AS encoding, current_setting('timezone') AS timezone,
            current_setting('default_transaction_isolation') AS isolation,
            current_setting('transaction_read_only') AS "readOnly"`,
  );
  const state = rows[0];
  if (!state) return [];
  const problem = serverProblem(Number(state.number));
  const utc = ['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT', 'Zulu', 'Etc/Zulu', 'UCT'].includes(state.timezone);
  return [
    problem
      ? {
          name: 'server',
          state: problem.state,
          message: `PostgreSQL ${state.version} ${problem.problem}`,
          hint: problem.hint,
        }
      : ok('server', `PostgreSQL ${state.version}`),
    state.readOnly === 'off'
      ? ok('writable', 'takes writes')
      : failed(
          'writable',
          'the server is read-only',
          'Point the database URL at the primary, not at a replica.',
        ),
    state.encoding === 'UTF8'
      ? ok('encoding', 'UTF8')
      : failed(
          'encoding',
          `${state.encoding}, not UTF8`,
          `Make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
        ),
    utc
      ? ok('timezone', state.timezone)
      : warning(
          'timezone',
          `${state.timezone}, not UTC`,
          `ALTER ROLE ${quoted(user)} SET timezone TO 'UTC';`,
        ),
    state.isolation === 'read committed'
      ? ok('isolation', state.isolation)
      : warning(
          'isolation',
          `${state.isolation}, not read committed`,
          `ALTER ROLE ${quoted(user)} SET default_transaction_isolation TO 'read committed';`,
        ),
  ];
}

async function checkSchema(client: Client): Promise<Check[]> {
  const applied = await readable(() => appliedMigrations(client));
  const checks: Check[] = [];
  const migrate = 'Run `fraiseql-auth db migrate`.';
  if (applied === 'denied') {
    checks.push(
      failed(
        'schema',
        'the schema version cannot be read',
        'Grant SELECT on _system.schema_migrations to this user.',
      ),
    );
  } else {
    const version = Number(versionOf(applied.at(-1)));
    const wanted = Number(SCHEMA_VERSION);
    if (version < wanted)
      checks.push(failed('schema', `version ${version}, this program needs ${wanted}`, migrate));
    else if (version === wanted) checks.push(ok('schema', `version ${version}`));
    else {
      checks.push(
        warning(
          'schema',
          `version ${version}, newer than this program (${wanted})`,
          'Upgrade this program soon.',
        ),
      );
    }
  }
  const sessions = await readSessionsTable(client);
  if (!sessions) return [...checks, failed('columns', '_system.sessions does not exist', migrate)];
  const differences = differencesFromGuide(sessions);
  checks.push(
    differences.length === 0
      ? ok('columns', '_system.sessions is as the guide has it')
      : failed(
          'columns',
          `_system.sessions differs from the guide: ${differences.join('; ')}`,
          'Alter the table to match.',
        ),
  );
  const missing = missingIndexes(sessions);
  checks.push(
    missing.length === 0
      ? ok('indexes', 'all there')
      : warning(
          'indexes',
          `none on _system.sessions (${missing.join('), (')})`,
          `As "${sessions.owner}": ${missing.map((c) => `CREATE INDEX idx_sessions_${c} ON _system.sessions (${c});`).join(' ')}`,
        ),
  );
  return checks;
}

async function checkPrivileges(client: Client, user: string): Promise<Check[]> {
  const {rows} = await client.query<{table: string; missing: string[]; usage: boolean}>(
    `SELECT c.relname AS table, has_schema_privilege(n.oid, 'USAGE') AS usage,
            ARRAY(SELECT p FROM unnest($2::text[]) AS p WHERE NOT has_table_privilege(c.oid, p)) AS missing
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '_system' AND c.relname = ANY ($1::text[])
      ORDER BY c.relname`,
    [TABLES, PRIVILEGES],
  );
  if (rows.some(({usage}) => !usage)) {
    return [
      failed('privileges', 'no USAGE on schema _system', `GRANT USAGE ON SCHEMA _system TO ${quoted(user)};`),
    ];
  }
  const absent = TABLES.filter((table) => !rows.some((row) => row.table === table));
  const lacking = rows.filter(({missing}) => missing.length > 0);
  const checks: Check[] = [];
  if (absent.length > 0) {
    checks.push(
      failed(
        'tables',
        `${absent.map((t) => `_system.${t}`).join(', ')} missing`,
        'Run `fraiseql-auth db migrate`.',
      ),
    );
  }
  if (lacking.length > 0) {
    checks.push(
      failed(
        'privileges',
        lacking.map(({table, missing}) => `no ${missing.join(', ')} on _system.${table}`).join('; '),
        lacking
          .map(({table}) => `GRANT ALL PRIVILEGES ON TABLE _system.${table} TO ${quoted(user)};`)
          .join(' '),
      ),
    );
  } else if (absent.length === 0)
    checks.push(ok('privileges', `${PRIVILEGES.join(', ').toLowerCase()} on every table`));
  return checks;
}

async function countSessions(client: Client): Promise<Check> {
  const counted = await readable(async () => {
    const {rows} = await client.query<{all: string; active: string}>(
      `SELECT count(*) AS all,
              count(*) FILTER (WHERE revoked_at IS NULL AND expires_at > extract(epoch FROM now())) AS active
         FROM _system.sessions`,
    );
    return rows;
  });
  if (counted === 'denied') {
    return failed(
      'sessions',
      'cannot be counted',
      'See the checks above: the table or the privilege is missing.',
    );
  }
  return ok('sessions', `${counted[0]?.all ?? 0} (${counted[0]?.active ?? 0} active)`);
}

/** The work's result, or `denied` where the table or a privilege or a column on the way is missing. */
async function readable<T>(work: () => Promise<T>): Promise<T | 'denied'> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (['42501', '42P01', '42703', '42883', '3F000'].includes(String(code))) return 'denied';
    throw error;
  }
}

/** The report as a person reads it: a line a check, the remedy below what needs one. */
export function renderReport(report: VerifyReport): string {
  const mark = {ok: 'ok     ', warning: 'warning', failed: 'FAILED '};
  const lines = report.checks.map(({name, state, message, hint}) => {
    const line = `${mark[state]}  ${name.padEnd(11)} ${message}`;
    return hint ? `${line}\n${' '.repeat(21)}→ ${hint}` : line;
  });
  return `${report.database}\n${lines.join('\n')}\n`;
}

import type {Client} from 'pg';
import {DatabaseError} from '../../database/errors.ts';
import {explainLocked} from '../../database/locks.ts';
import {createClient} from '../../database/pool.ts';
import {databaseUrlFrom} from '../../database/settings.ts';
import {parseDatabaseUrl} from '../../database/url.ts';
import {Audit} from '../audit.ts';
import {
  endNamed,
  sessionIsKnown,
  sessionsOf,
  usersNamed,
  type AdministratedSession,
  type KnownUser,
  type Named,
} from './administration.ts';

export interface ListOptions {
  readonly user: string;
  readonly issuer?: string;
  readonly json?: boolean;
}

export interface EndOptions {
  readonly session?: string;
  readonly user?: string;
  readonly issuer?: string;
  readonly all?: boolean;
}

const ACTOR = 'fraiseql-auth sessions end';
const CONNECT_MS = 10_000;
/** All sessions of a large installation are ended by one statement. */
const STATEMENT_MS = 120_000;
const LOCK_TIMEOUT = '5s';

/** `fraiseql-auth sessions list`. Returns the exit code: 0, 1 where the user is not known, 2 where it cannot be asked. */
export function list({user, issuer, json}: ListOptions): Promise<number> {
  return asking('sessions list', async (client) => {
    const users = await usersNamed(client, {user, issuer});
    if (users.length === 0) return unknownUser(issuer);
    const sessions = await sessionsOf(client, users);
    process.stdout.write(json === true ? `${JSON.stringify(sessions, undefined, 2)}\n` : table(sessions));
    return 0;
  });
}

/**
 * `fraiseql-auth sessions end`: its audit entries go to standard output, what it did to standard error. Returns the exit
 * code: 0 where what is named has ended, now or before; 1 where no such session or user is known; 2 where it is not
 * clear what is to end, or the database cannot be asked. Then nothing has ended.
 */
export async function end(options: EndOptions): Promise<number> {
  const problem = problemOf(options);
  if (problem !== undefined) {
    say(problem);
    return 2;
  }
  return asking('sessions end', async (client) => {
    const named = await resolve(client, options);
    if (typeof named === 'number') return named;
    const ended = await endNamed(client, named);
    const audit = new Audit();
    for (const {id, userId, provider} of ended)
      audit.record('session_revoked', {
        actor: ACTOR,
        user: userId,
        session: id,
        provider,
        outcome: 'success',
        reason: 'administrator',
      });
    say(
      ended.length === 0
        ? 'There was no session left to end.'
        : `Ended: ${ended.length} session(s). Every replica refuses what is left of them within a second.`,
    );
    return 0;
  });
}

function problemOf({session, user, issuer, all}: EndOptions): string | undefined {
  const named = [session !== undefined, user !== undefined, all === true].filter(Boolean).length;
  if (named !== 1)
    return 'Say what is to end by one of --session ID, --user SUBJECT and --all. Nothing was ended.';
  if (issuer !== undefined && user === undefined) return '--issuer belongs to --user. Nothing was ended.';
  if (session !== undefined && !UUID.test(session))
    return '--session is no session id, which is a UUID as `sessions list` and the audit trail have it. Nothing was ended.';
  return undefined;
}

/** What is to end, or the exit code where that is not known, which is said. */
async function resolve(client: Client, {session, user, issuer}: EndOptions): Promise<Named | number> {
  if (session !== undefined) {
    if (await sessionIsKnown(client, session)) return {kind: 'session', id: session};
    say('No such session is known. One that ended more than a week ago is forgotten.');
    return 1;
  }
  if (user === undefined) return {kind: 'all'};
  const users = await usersNamed(client, {user, issuer});
  const ids = new Set(users.map(({userId}) => userId));
  const [id] = ids;
  if (id === undefined) return unknownUser(issuer);
  if (ids.size === 1) return {kind: 'user', id};
  say(
    `${users.length} users have this subject. Say which one by --issuer:\n${users.map(asIssuer).join('\n')}`,
  );
  return 2;
}

const asIssuer = ({issuer, userId}: KnownUser): string =>
  issuer === undefined ? `  --user ${userId}, whose issuer is not known` : `  --issuer ${printable(issuer)}`;

function unknownUser(issuer: string | undefined): number {
  const at = issuer === undefined ? '' : ' at this issuer';
  say(
    `No session of such a user${at} is known. --user is the subject that the provider gives (its claim sub), ` +
      'or the user of the audit trail; no e-mail address.',
  );
  return 1;
}

/** Connects, does it, and says what went wrong with the database. */
async function asking(name: string, work: (client: Client) => Promise<number>): Promise<number> {
  try {
    const url = databaseUrlFrom(process.env);
    const target = parseDatabaseUrl(url);
    const client = createClient(url, {
      connectTimeoutMs: CONNECT_MS,
      statementTimeoutMs: STATEMENT_MS,
      applicationName: `fraiseql-auth ${name}`,
    });
    // A connection that breaks fails the statement under way, which tells it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
      return await work(client);
    } catch (error) {
      throw await explainLocked(error, client, target, 'VerificationFailed');
    } finally {
      await client.end();
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    say(`${error.message}\n${error.hint}`);
    return 2;
  }
}

function table(sessions: readonly AdministratedSession[]): string {
  if (sessions.length === 0) return 'no session stands\n';
  const rows = sessions.map(({id, createdAt, lastUsedAt, expiresAt, issuer, userAgent}) => [
    id,
    time(createdAt),
    lastUsedAt === undefined ? '-' : time(lastUsedAt),
    time(expiresAt),
    printable(issuer ?? '-'),
    printable(userAgent ?? '-'),
  ]);
  const lines = [['SESSION', 'SINCE', 'LAST USED', 'ENDS', 'ISSUER', 'WITH'], ...rows];
  const widths =
    lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** Without what a terminal would take for a command. */
const printable = (text: string): string => text.replaceAll(/\p{C}/gu, '\uFFFD');

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

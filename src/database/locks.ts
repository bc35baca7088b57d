import {DatabaseError, errorCode} from './errors.ts';
import {explain} from './explain.ts';
import type {Queryable} from './schema.ts';
import type {DatabaseTarget} from './url.ts';

/** Who holds a table of schema `_system`, as far as the server tells this user. */
interface Holder {
  /** Null: a prepared transaction. */
  readonly pid: number | null;
  readonly role: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

/** Younger transactions come and go: they are not what this waited for. */
const OLD_ENOUGH = '3 s';

/**
 * Like `explain`; where the statement gave way because another transaction holds a table, it names who does. The
 * connection is the one whose statement failed: an open transaction of it is ended.
 */
export async function explainLocked(
  error: unknown,
  client: Queryable,
  target: DatabaseTarget,
  otherwise?: DatabaseError['reason'],
): Promise<DatabaseError> {
  const explained = explain(error, target, otherwise);
  if (errorCode(error) !== '55P03') return explained;
  const holders = await lockHolders(client);
  if (holders.length === 0) return explained;
  const pids = holders.flatMap(({pid}) => (pid === null ? [] : [pid]));
  const end = pids.map((pid) => `SELECT pg_terminate_backend(${pid});`).join(' ');
  return new DatabaseError(
    explained.reason,
    `${explained.message}; held by ${holders.map((each) => inWords(each)).join(' and ')}`,
    end === '' ? explained.hint : `${explained.hint} To end it: ${end}`,
    error,
  );
}

/** Those that have held a table, or an index, for a while; none where that cannot be told. */
async function lockHolders(client: Queryable): Promise<Holder[]> {
  try {
    await client.query('ROLLBACK');
    const {rows} = await client.query<Holder>(
      `SELECT l.pid, a.usename AS role, a.application_name AS application, a.state,
              extract(epoch FROM now() - a.xact_start)::int AS seconds
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.granted AND n.nspname = '_system' AND l.pid IS DISTINCT FROM pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (a.xact_start IS NULL OR a.xact_start < now() - interval '${OLD_ENOUGH}')
        GROUP BY l.pid, a.usename, a.application_name, a.state, a.xact_start
        ORDER BY a.xact_start NULLS LAST LIMIT 3`,
    );
    return rows;
  } catch {
    // The first error is what matters; this would only have said more of it.
    return [];
  }
}

function inWords({pid, role, application, state, seconds}: Holder): string {
  if (pid === null) return 'a prepared transaction (see pg_prepared_xacts)';
  const facts = [
    ...(role ? [`role ${role}`] : []),
    ...(application ? [`application ${application}`] : []),
    ...(state ? [`${state}${seconds === null ? '' : ` for ${seconds} s`}`] : []),
  ];
  return `process ${pid}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
}

import {databaseFault, DatabaseError, errorCode, type DatabaseReason} from './errors.ts';
import {quoted} from './quoted.ts';
import type {DatabaseTarget} from './url.ts';

/**
 * Turns an error of the driver into one that says what to do. `otherwise` is the reason for what is no fault of the
 * connection: a statement that failed.
 */
export function explain(
  error: unknown,
  target: DatabaseTarget,
  otherwise: DatabaseReason = 'MigrationFailed',
): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const said = driverMessage(error);
  const at = `${target.host}:${target.port}`;
  const fault = databaseFault(error);
  const because = (reason: DatabaseReason, message: string, hint: string): DatabaseError =>
    new DatabaseError(reason, message, hint, error);
  if (errorCode(error) === '08P01' && said.includes('startup parameter')) {
    return because(
      'DatabaseUnreachable',
      `the pooler at ${at} refused the connection: ${said}`,
      'With PgBouncer set ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout; ' +
        'migrations and backups want a direct connection or session pooling.',
    );
  }
  // The database answers: it is what it is asked for that takes too long.
  if (errorCode(error) === '55P03') {
    return because(
      'TableLocked',
      `another transaction in database "${target.database}" holds a table that is needed, and this gave way: ${said}`,
      'Under the operator it is tried again by itself; by hand, run it again when that transaction has ended.',
    );
  }
  if (errorCode(error) === '57014') {
    return because(
      'StatementTimedOut',
      `a statement in database "${target.database}" did not end in time: ${said}`,
      'Look for what holds it up: SELECT * FROM pg_stat_activity; the server may be overloaded, or another transaction hold a table.',
    );
  }
  switch (fault) {
    case 'unreachable':
    case 'read_only':
    case 'timeout':
      return because(
        'DatabaseUnreachable',
        `PostgreSQL at ${at} cannot be reached: ${said}`,
        hintUnreachable(error),
      );
    case 'too_many_connections':
      return because(
        'DatabaseUnreachable',
        `PostgreSQL at ${at} has no connection left: ${said}`,
        'Raise max_connections, or lower the pool size or the number of replicas: replicas × pool size must fit.',
      );
    case 'authentication_failed':
      return because(
        'DatabaseAuthenticationFailed',
        `PostgreSQL at ${at} refused user "${target.user}": ${said}`,
        errorCode(error) === '28000'
          ? 'Check that the role exists and may log in (CREATE ROLE … LOGIN), and that pg_hba.conf admits this client.'
          : 'Correct the password in the database URL, or set it anew: ALTER ROLE … PASSWORD ….',
      );
    case 'not_found':
      return because(
        'DatabaseNotFound',
        `PostgreSQL at ${at} has no database "${target.database}"`,
        target.database === target.database.toLowerCase()
          ? `Create it: CREATE DATABASE ${quoted(target.database)} OWNER ${quoted(target.user)}; or correct the name in the database URL.`
          : `CREATE DATABASE ${target.database} without quotes makes "${target.database.toLowerCase()}": write that in the ` +
              `database URL, or create the database with its name in double quotes.`,
      );
    case 'permission_denied':
      return because(
        'DatabasePermissionDenied',
        `user "${target.user}" lacks a privilege in database "${target.database}": ${said}`,
        `Grant it as the owner: GRANT ALL PRIVILEGES ON SCHEMA _system TO ${quoted(target.user)}; ` +
          `GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA _system TO ${quoted(target.user)};`,
      );
    case 'url_invalid':
      return because('DatabaseURLInvalid', said, 'Write it as postgres://USER:PASSWORD@HOST:5432/DATABASE.');
    case 'schema_missing':
      return because(
        'SchemaOutdated',
        `database "${target.database}" lacks a table that this version needs: ${said}`,
        'Run `fraiseql-auth db migrate`.',
      );
    case 'out_of_resources':
    case 'query_failed':
      break;
  }
  return because(
    otherwise,
    said,
    'The log has the whole error. Nothing half-done is left: correct the cause and run again.',
  );
}

function hintUnreachable(error: unknown): string {
  const code = errorCode(error) ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return 'The host name does not resolve: correct the host in the database URL, or the DNS of this machine or pod.';
  }
  if (code === 'ECONNREFUSED') {
    return 'Nothing listens there: check the host and port in the database URL, and that the server runs.';
  }
  if (code === '57P03') return 'The server is starting or stopping: it is tried again.';
  if (code === '25006') return 'The server is a read-only replica: point the database URL at the primary.';
  if (/CERT|TLS|SIGNATURE|ISSUER/.test(code) || /SSL/.test(driverMessage(error))) {
    return 'The encrypted connection failed: check sslmode in the database URL against the server, and whether its certificate is of the authority that sslrootcert or DATABASE_CA_FILE names (spec.database.caSecretRef in a FraiseQLAuth).';
  }
  return 'Check the host and port in the database URL, that the server runs, and that no firewall or NetworkPolicy is between.';
}

/** What the driver or the server said, in one line, without the parts that may quote rows. */
function driverMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return driverMessage(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown error';
  const code = errorCode(error);
  const text = error.message.split('\n')[0] ?? '';
  return code && !text.includes(code) && /^[0-9A-Z]{5}$/.test(code) ? `${text} (${code})` : text;
}

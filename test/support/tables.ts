import {runSql} from './postgres.ts';

/**
 * Every row of every table of a database, its own and not PostgreSQL's, as text: what is binary stands there in hex. Which
 * tables there are is asked of the catalogue, so that one that comes later is read as well.
 */
export async function dumpTables({url}: {readonly url: string}): Promise<string> {
  const {rows: tables} = await runSql(
    url,
    `SELECT format('SELECT t::text AS row FROM %I.%I t', schemaname, tablename) AS read FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  if (tables.length === 0) throw new Error('there is no table to read');
  const {rows} = await runSql(url, (tables as {read: string}[]).map(({read}) => read).join(' UNION ALL '));
  return (rows as {row: string}[]).map(({row}) => row).join('\n');
}

/** Whether a secret stands in a text: as it is, or as what it reads as when it was written as bytes, in hex or base64. */
export function standsIn(secret: string, text: string): boolean {
  return writingsOf(secret).some((writing) => text.includes(writing));
}

function writingsOf(secret: string): string[] {
  const written = [Buffer.from(secret)];
  // The random bytes themselves, where the secret is only their base64url.
  if (/^[\w-]{16,}$/.test(secret)) written.push(Buffer.from(secret, 'base64url'));
  return [
    secret,
    ...written.flatMap((bytes) => [
      bytes.toString('hex'),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('base64url'),
    ]),
  ];
}

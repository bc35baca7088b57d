import type {ClientBase} from 'pg';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly default: string | null;
}

/** The guide's table. PostgreSQL's own spelling of types and defaults. */
const GUIDE: readonly Column[] = [
  {name: 'id', type: 'uuid', notNull: true, default: 'gen_random_uuid()'},
  {name: 'user_id', type: 'text', notNull: true, default: null},
  {name: 'refresh_token_hash', type: 'text', notNull: true, default: null},
  {name: 'issued_at', type: 'bigint', notNull: true, default: null},
  {name: 'expires_at', type: 'bigint', notNull: true, default: null},
  {name: 'created_at', type: 'timestamp with time zone', notNull: false, default: 'now()'},
  {name: 'revoked_at', type: 'timestamp with time zone', notNull: false, default: null},
];

/** The guide's indexes beside the primary key and the unique constraint. */
const INDEXED = ['user_id', 'expires_at', 'revoked_at'];

/** `_system.sessions` as the database has it. */
export interface SessionsTable {
  readonly owner: string;
  readonly kind: string;
  readonly columns: readonly Column[];
  /** The columns of each whole, valid index, and whether it is unique or the primary key. */
  readonly indexes: readonly {columns: readonly string[]; unique: boolean; primary: boolean}[];
}

/** Reads the table's form from the catalogue, which needs no privilege on it; undefined where it does not exist. */
export async function readSessionsTable(client: ClientBase): Promise<SessionsTable | undefined> {
  const {rows: tables} = await client.query<{oid: string; owner: string; kind: string}>(
    `SELECT c.oid::text, pg_get_userbyid(c.relowner) AS owner, c.relkind AS kind
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '_system' AND c.relname = 'sessions'`,
  );
  const table = tables[0];
  if (!table) return undefined;
  const {rows: columns} = await client.query<Column>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "notNull",
            pg_get_expr(d.adbin, d.adrelid) AS "default"
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum`,
    [table.oid],
  );
  const {rows: indexes} = await client.query<{columns: string[]; unique: boolean; primary: boolean}>(
    `SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, position)
                    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                   ORDER BY k.position) AS columns,
            i.indisunique AS unique, i.indisprimary AS primary
       FROM pg_index i
      WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL`,
    [table.oid],
  );
  return {owner: table.owner, kind: table.kind, columns, indexes};
}

/** How the table differs from the guide's, one phrase a difference; empty where it can be adopted. */
export function differencesFromGuide(table: SessionsTable): string[] {
  if (table.kind !== 'r') return ['_system.sessions is not an ordinary table'];
  const differences: string[] = [];
  const found = new Map(table.columns.map((column) => [column.name, column]));
  for (const wanted of GUIDE) {
    const column = found.get(wanted.name);
    found.delete(wanted.name);
    if (!column) {
      differences.push(`column ${wanted.name} is missing`);
      continue;
    }
    if (column.type !== wanted.type) {
      differences.push(`column ${wanted.name} is ${column.type}, not ${wanted.type}`);
    }
    if (column.notNull !== wanted.notNull) {
      differences.push(`column ${wanted.name} ${wanted.notNull ? 'allows NULL' : 'is NOT NULL'}`);
    }
    if (column.default !== wanted.default) {
      const text = column.default === null ? 'has no default' : `has the default ${column.default}`;
      differences.push(`column ${wanted.name} ${text}, not ${wanted.default ?? 'none'}`);
    }
  }
  for (const name of found.keys()) differences.push(`column ${name} is not in the guide`);
  const indexOf = (name: string): SessionsTable['indexes'] =>
    table.indexes.filter(({columns}) => columns.length === 1 && columns[0] === name);
  if (!indexOf('id').some(({primary}) => primary)) differences.push('the primary key is not (id)');
  if (!indexOf('refresh_token_hash').some(({unique}) => unique)) {
    differences.push('refresh_token_hash is not UNIQUE');
  }
  return differences;
}

/** The guide's indexes that the table lacks. Sessions work without them, slowly. */
export function missingIndexes(table: SessionsTable): string[] {
  return INDEXED.filter((name) => !table.indexes.some(({columns}) => columns[0] === name));
}

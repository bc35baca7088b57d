import {describe, expect, it} from 'vitest';
import {
  differencesFromGuide,
  missingIndexes,
  type SessionsTable,
} from '../../../src/database/sessions-table.ts';

const timestamp = 'timestamp with time zone';
const guide: SessionsTable = {
  owner: 'postgres',
  kind: 'r',
  columns: [
    {name: 'id', type: 'uuid', notNull: true, default: 'gen_random_uuid()'},
    {name: 'user_id', type: 'text', notNull: true, default: null},
    {name: 'refresh_token_hash', type: 'text', notNull: true, default: null},
    {name: 'issued_at', type: 'bigint', notNull: true, default: null},
    {name: 'expires_at', type: 'bigint', notNull: true, default: null},
    {name: 'created_at', type: timestamp, notNull: false, default: 'now()'},
    {name: 'revoked_at', type: timestamp, notNull: false, default: null},
  ],
  indexes: [
    {columns: ['id'], unique: true, primary: true},
    {columns: ['refresh_token_hash'], unique: true, primary: false},
  ],
};

function change(name: string, to: Partial<SessionsTable['columns'][number]>): SessionsTable {
  return {
    ...guide,
    columns: guide.columns.map((column) => (column.name === name ? {...column, ...to} : column)),
  };
}

describe('differencesFromGuide', () => {
  it('finds none in the guide’s table, whatever the order of its columns', () => {
    expect(differencesFromGuide(guide)).toEqual([]);
    expect(differencesFromGuide({...guide, columns: guide.columns.toReversed()})).toEqual([]);
  });

  it.each<[SessionsTable, string]>([
    [change('issued_at', {type: 'integer'}), 'column issued_at is integer, not bigint'],
    [change('user_id', {notNull: false}), 'column user_id allows NULL'],
    [change('revoked_at', {notNull: true}), 'column revoked_at is NOT NULL'],
    [change('id', {default: null}), 'column id has no default, not gen_random_uuid()'],
    [{...guide, columns: guide.columns.slice(0, 6)}, 'column revoked_at is missing'],
    [
      {...guide, columns: [...guide.columns, {name: 'tenant', type: 'text', notNull: true, default: null}]},
      'column tenant is not in the guide',
    ],
    [{...guide, indexes: guide.indexes.slice(1)}, 'the primary key is not (id)'],
    [{...guide, indexes: guide.indexes.slice(0, 1)}, 'refresh_token_hash is not UNIQUE'],
    [
      {
        ...guide,
        indexes: [guide.indexes[0]!, {columns: ['refresh_token_hash', 'id'], unique: true, primary: false}],
      },
      'refresh_token_hash is not UNIQUE',
    ],
    [{...guide, kind: 'v'}, '_system.sessions is not an ordinary table'],
  ])('names the difference (%#)', (table, difference) => {
    expect(differencesFromGuide(table)).toEqual([difference]);
  });
});

describe('missingIndexes', () => {
  it('names the guide’s indexes that are not there', () => {
    expect(missingIndexes(guide)).toEqual(['user_id', 'expires_at', 'revoked_at']);
    const indexed = [...guide.indexes, {columns: ['expires_at', 'id'], unique: false, primary: false}];
    expect(missingIndexes({...guide, indexes: indexed})).toEqual(['user_id', 'revoked_at']);
  });
});

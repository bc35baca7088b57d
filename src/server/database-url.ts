import {DatabaseError} from '../database/errors.ts';
import {parseDatabaseUrl, withAuthority} from '../database/url.ts';
import type {Configuration} from '../support/configuration/configuration.ts';

/** The URL that connections are made by. Throws DatabaseError(DatabaseURLInvalid). */
export function connectionUrl({url, caFile}: Pick<Configuration['database'], 'url' | 'caFile'>): string {
  return caFile === undefined ? url : withAuthority(url, caFile);
}

/** What is wrong with a DATABASE_URL and its authority, without quoting it; undefined where nothing is. */
export function databaseUrlProblem(url: string, caFile?: string): string | undefined {
  try {
    parseDatabaseUrl(connectionUrl({url, caFile}));
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError) return `${error.message}. ${error.hint}`;
    throw error;
  }
}

import {DatabaseError} from '../database/errors.ts';
import {parseDatabaseUrl} from '../database/url.ts';

/** What is wrong with a DATABASE_URL, without quoting it; undefined where nothing is. */
export function databaseUrlProblem(url: string): string | undefined {
  try {
    parseDatabaseUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError) return `${error.message}. ${error.hint}`;
    throw error;
  }
}

/** What the system calls the failure (ENOENT, EACCES, …), for messages; `unknown error` where it has no name. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

/** A moment as `MicroTime` (meta/v1): RFC 3339 in UTC with exactly six fractional digits, which the API server requires. */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}

/** A watch that was silent for so long is broken beyond what it mends by itself: a restart is due. */
const SILENT_MS = 10 * 60_000;

/** What liveness says of watches the quietest of which has been silent for so long; undefined: all is well. */
export function liveness(silentMs: number): string | undefined {
  if (silentMs <= SILENT_MS) return undefined;
  return `a watch has been silent for ${Math.round(silentMs / 1000)} s`;
}

/** What goes wrong between a process and the API server, each as a share of the calls (or watches, or events). */
export interface Faults {
  /** Refused before anything was done. */
  readonly tooManyRequests: number;
  readonly serverError: number;
  readonly conflict: number;
  readonly reset: number;
  /** Done, but the answer is lost: the caller sees a reset connection, or nothing until its deadline. */
  readonly answerLost: number;
  readonly unanswered: number;
  /** Of watches: events come late by up to `lagMs`, some never come, or only the last of several for one object. */
  readonly lagMs: number;
  readonly dropped: number;
  readonly coalesced: number;
  /** A watch breaks off, is refused because it is too old, or stays open and says nothing more. */
  readonly cut: number;
  readonly expired: number;
  readonly halfOpen: number;
  /** A list is as old as the watch is late. */
  readonly staleList: number;
}

export const NO_FAULTS: Faults = {
  tooManyRequests: 0,
  serverError: 0,
  conflict: 0,
  reset: 0,
  answerLost: 0,
  unanswered: 0,
  lagMs: 0,
  dropped: 0,
  coalesced: 0,
  cut: 0,
  expired: 0,
  halfOpen: 0,
  staleList: 0,
};

/** How often each fault really struck. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  addAll(other: Tally): void {
    for (const [name, count] of other.counts) this.add(name, count);
  }

  /** One line a fault, for a person. */
  toString(): string {
    return [...this.counts]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `  ${name.padEnd(18)} ${count}`)
      .join('\n');
  }
}

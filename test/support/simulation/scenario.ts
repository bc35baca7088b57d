import type {Simulation} from './simulation.ts';

/** Something that happens to a resource, and what has to have come of it. */
export interface Scenario {
  readonly name: string;
  /** What it was before, one after the other; nothing: the resource is not there. */
  readonly before?: readonly Record<string, unknown>[];
  happens(simulation: Simulation): void | Promise<void>;
  /** By default: it is ready. */
  done?(simulation: Simulation): boolean;
}

/** What a person waits for comes within this time, whatever goes wrong. */
export const LONG_MS = 60 * 60_000;

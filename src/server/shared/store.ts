/**
 * What the replicas share beside the database, to be quicker and fairer by it, never to be right by it: every question
 * may go unanswered, at once or after a short deadline, and whoever asks goes on without.
 */
export interface SharedStore {
  /** The value, or undefined where there is none or no answer. */
  get(key: string): Promise<string | undefined>;
  /** Keeps a value for that long. Whether it did is not told. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Runs a script on one key, as one step for all replicas; undefined where there is no answer. */
  run(script: string, key: string, values: readonly (string | number)[]): Promise<number | undefined>;
}

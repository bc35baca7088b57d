/** Milliseconds between two looks at what the server needs, while it is well and while it is not, and its patience. */
export interface Intervals {
  readonly providerGoodMs: number;
  readonly providerBadMs: number;
  readonly databaseGoodMs: number;
  readonly databaseBadMs: number;
  readonly redisGoodMs: number;
  readonly redisBadMs: number;
  /** How long one command may take. Redis answers in a fraction of a millisecond, or something is wrong with it. */
  readonly redisCommandMs: number;
  readonly certificateMs: number;
}

/** Those of a server that serves. */
export const INTERVALS: Intervals = {
  providerGoodMs: 60_000,
  providerBadMs: 10_000,
  databaseGoodMs: 5_000,
  databaseBadMs: 2_000,
  redisGoodMs: 5_000,
  redisBadMs: 1_000,
  redisCommandMs: 250,
  certificateMs: 5_000,
};

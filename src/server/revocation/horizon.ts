/** A moment by the database's clock: that from which on a replica has heard of every session that ended, or a later one. */
export interface Horizon {
  /** Which run of a database server this was: another one's clock says nothing. */
  readonly server: number;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The same moment by this process's monotonic clock, milliseconds; rather earlier than later. */
  readonly at: number;
}

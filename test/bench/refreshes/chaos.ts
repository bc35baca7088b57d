// What goes wrong meanwhile: a list of faults, each at its share of the way, so that a run of any length has them all.
import type {TestPostgres} from '../../support/postgres.ts';
import {startStandby, type Standby} from '../../support/standby.ts';
import type {Replica} from './replica.ts';

/** How often each fault was made. */
export interface Injected {
  /** All connections between clients and a replica reset. */
  clientCuts: number;
  /** All connections between a replica and the database reset. */
  databaseCuts: number;
  /** A replica killed (SIGKILL) and started again. */
  replicaKills: number;
  /** The database ended without warning, and started again. */
  databaseCrashes: number;
  /** The primary gone for good, its synchronous standby promoted in its place. */
  failovers: number;
}

export type Fault = keyof Injected;

interface World {
  readonly postgres: TestPostgres;
  readonly replicas: readonly Replica[];
  readonly random: () => number;
}

/** For so many refreshes one of each, and never fewer than `least`. */
const PACE: Readonly<Record<Exclude<Fault, 'failovers'>, {every: number; least: number}>> = {
  clientCuts: {every: 2_000, least: 8},
  databaseCuts: {every: 5_000, least: 5},
  replicaKills: {every: 25_000, least: 1},
  databaseCrashes: {every: 125_000, least: 1},
};
/** Early, while there is little to copy to the standby, and after a crash or two. */
const FAILOVER_AT = 0.3;

/** The faults of a run, in order; `at` is the number of refreshes after which each comes. */
export function plan(count: number): {fault: Fault; at: number}[] {
  const faults: {fault: Fault; at: number}[] = [{fault: 'failovers', at: count * FAILOVER_AT}];
  for (const [fault, {every, least}] of Object.entries(PACE)) {
    const times = Math.max(least, Math.floor(count / every));
    for (let index = 1; index <= times; index++)
      faults.push({fault: fault as Fault, at: (count * (index - 0.5)) / times});
  }
  return faults.sort((one, other) => one.at - other.at);
}

export class Chaos {
  readonly injected: Injected = {
    clientCuts: 0,
    databaseCuts: 0,
    replicaKills: 0,
    databaseCrashes: 0,
    failovers: 0,
  };
  readonly #world: World;
  #standby: Standby | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** The superuser's URL of the database as it is now. */
  get adminUrl(): string {
    return this.#standby?.adminUrl ?? this.#world.postgres.adminUrl;
  }

  /** Makes the fault; resolves when what was ended is up again. */
  async inject(fault: Fault): Promise<void> {
    await this.#faults[fault]();
    this.injected[fault]++;
  }

  async close(): Promise<void> {
    await this.#standby?.close();
  }

  readonly #faults: Readonly<Record<Fault, () => Promise<void>>> = {
    clientCuts: async () => this.#anyReplica().clients.reset(),
    databaseCuts: async () => this.#anyReplica().database.reset(),
    replicaKills: () => this.#anyReplica().killAndRestart(),
    databaseCrashes: async () => {
      const database = this.#standby ?? this.#world.postgres;
      await database.stop();
      await database.start();
    },
    failovers: async () => {
      const {postgres, replicas} = this.#world;
      const standby = await startStandby(postgres);
      await postgres.stop();
      await standby.promote();
      this.#standby = standby;
      for (const {database} of replicas) {
        database.retarget(standby.port);
        database.reset();
      }
    },
  };

  #anyReplica(): Replica {
    const {replicas, random} = this.#world;
    const replica = replicas[Math.floor(random() * replicas.length)];
    if (replica === undefined) throw new Error('there is no replica');
    return replica;
  }
}

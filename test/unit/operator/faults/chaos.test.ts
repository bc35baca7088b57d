import {expect, test, vi} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../../src/kube/objects.ts';
import type {Entry} from '../../../support/simulation/api.ts';
import {difference, essence} from '../../../support/simulation/essence.ts';
import {NO_FAULTS, Tally, type Faults} from '../../../support/simulation/faults.ts';
import {Random} from '../../../support/simulation/random.ts';
import {CHILDREN, SPECS} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';
import {intruders} from '../../../support/simulation/writers.ts';

const RUNS = Number(process.env['FAULT_RUNS'] ?? '12');
const ONLY = process.env['FAULT_SEED'];
/** What is dropped by a watch comes with the next full list, which is due within half an hour and a watch's length. */
const RELIST_MS = 40 * 60_000;
/** Longer than any process is stopped, or any call waits. */
const OVER_MS = 90_000;

const shares: Faults = {
  tooManyRequests: 0.1,
  serverError: 0.2,
  conflict: 0.2,
  reset: 0.1,
  answerLost: 0.15,
  unanswered: 0.03,
  lagMs: 4000,
  dropped: 0.1,
  coalesced: 0.7,
  cut: 0.1,
  expired: 0.2,
  halfOpen: 0.02,
  staleList: 0.5,
};

/** Some of the faults, at random strength. */
function mixture(random: Random): Faults {
  const some = Object.entries(shares).map(([name, share]) => [
    name,
    random.chance(0.4) ? share * random.next() : 0,
  ]);
  return {...NO_FAULTS, ...(Object.fromEntries(some) as Partial<Faults>)};
}

/** What people and others do meanwhile. */
function disturb(simulation: Simulation, random: Random): void {
  const [type, name] = random.pick(CHILDREN);
  const actions: (() => void)[] = [
    () => simulation.spec(random.pick(SPECS)),
    () => simulation.spec(random.pick(SPECS)),
    () => simulation.delete(type, name),
    () => simulation.delete(type, name),
    () => simulation.edit(type, name, {metadata: {labels: {'app.kubernetes.io/name': 'edited'}}}),
    () => simulation.edit(RESOURCES.Service, 'auth', {spec: {selector: {stolen: 'yes'}}}),
    () => simulation.secret('keycloak-client', {'client-id': 'a', 'client-secret': `${random.next()}`}),
    () => simulation.secret('auth-db', {'database-url': 'postgres://app:wrong@db/auth'}),
    () => simulation.delete(RESOURCES.Secret, 'keycloak-client'),
    () => {
      for (const each of simulation.children())
        if (each.kind === 'ConfigMap') simulation.delete(RESOURCES.ConfigMap, each.metadata.name);
    },
    () => simulation.delete(FRAISEQLAUTH, 'auth'),
  ];
  random.pick(actions)();
}

/** What happens to the processes and to the server. */
async function strike(simulation: Simulation, random: Random): Promise<void> {
  const {leader, tally} = simulation;
  const start = (): void => {
    const skewed = random.chance(0.5);
    if (skewed) tally.add('clockSkew');
    simulation.start(
      skewed ? {offsetMs: random.between(-1, 1) * 86_400_000, rate: random.between(0.97, 1.03)} : {},
    );
  };
  const actions: (() => Promise<void> | void)[] = [
    () => {
      tally.add('crash');
      leader?.kill();
    },
    () => {
      tally.add('handover');
      leader?.end();
    },
    () => {
      tally.add('stopped');
      leader?.stop(random.between(5000, 40_000));
    },
    async () => {
      tally.add('leaseBlocked');
      if (leader === undefined) return;
      leader.client.leaseBlocked = true;
      await simulation.time.run(random.between(5000, 20_000));
      leader.client.leaseBlocked = false;
    },
    async () => {
      tally.add('outage');
      simulation.outage(true);
      await simulation.time.run(random.between(1000, 60_000));
      simulation.outage(false);
    },
    () => {
      tally.add('cut');
      leader?.client.cut();
    },
    () => {
      tally.add('compacted');
      simulation.api.compacted = simulation.api.version;
    },
  ];
  await random.pick(actions)();
  while (simulation.living.length < 2) start();
}

function heal(simulation: Simulation, spec: Record<string, unknown>): void {
  simulation.faults = NO_FAULTS;
  simulation.secret('auth-db', {'database-url': 'postgres://app:secret@db/auth'});
  simulation.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'hush'});
  simulation.spec(spec);
}

/** What was changed, in words; but that a backup is due is a matter of time. */
function changesOf({plural, before, after}: Entry): string[] {
  if (plural === 'leases' || plural === 'events') return [];
  return difference(timeless(before), timeless(after)).map((line) => `${plural} ${line}`);
}

function timeless(object: KubeObject | undefined): Record<string, unknown> {
  const {
    conditions,
    backup: _,
    ...status
  } = (object?.['status'] ?? {}) as {
    conditions?: {type: string}[];
    backup?: unknown;
  };
  const {resourceVersion: __, ...metadata} = object?.metadata ?? {name: ''};
  return {
    ...object,
    metadata,
    status: {...status, conditions: conditions?.filter(({type}) => type !== 'BackupHealthy')},
  };
}

const references = new Map<Record<string, unknown>, Record<string, unknown>>();

async function reference(spec: Record<string, unknown>): Promise<Record<string, unknown>> {
  const known = references.get(spec);
  if (known !== undefined) return known;
  const simulation = new Simulation(1);
  simulation.start();
  simulation.spec(spec);
  if (!(await simulation.settle())) throw new Error(`not ready: ${simulation.unrest()}`);
  const state = essence(simulation, {jobs: false});
  simulation.stopAll();
  references.set(spec, state);
  return state;
}

async function play(seed: number, tally: Tally): Promise<void> {
  const target = new Random(seed).pick(SPECS);
  const fresh = await reference(target);
  const chance = new Random(seed ^ 0x5eed);
  const mock = vi.spyOn(Math, 'random').mockImplementation(() => chance.next());
  const simulation = new Simulation(seed);
  try {
    const {random} = simulation;
    simulation.start();
    simulation.start();
    if (random.chance(0.7)) simulation.faults = mixture(random);
    simulation.spec(random.pick(SPECS));
    for (let turn = 0; turn < 12; turn++) {
      await simulation.time.run(random.between(10, 20_000));
      if (random.chance(0.7)) disturb(simulation, random);
      if (random.chance(0.4)) await strike(simulation, random);
      if (random.chance(0.3)) simulation.faults = random.chance(0.3) ? NO_FAULTS : mixture(random);
    }
    heal(simulation, target);
    // What was on its way, and who was stopped, is over by then.
    await simulation.time.run(OVER_MS);
    const dropped = (simulation.tally.counts.get('dropped') ?? 0) > 0;
    if (dropped) await simulation.time.run(RELIST_MS);
    const settled = await simulation.settle();
    const odd = difference(fresh, essence(simulation, {jobs: false}));
    if (!settled) throw new Error(`not at rest: ${simulation.unrest()}`);
    if (odd.length > 0) throw new Error(`not as a fresh one:\n${odd.slice(0, 20).join('\n')}`);
    const from = simulation.api.log.length;
    await simulation.time.run(15 * 60_000);
    const late = simulation.api.log.slice(from).flatMap(changesOf);
    if (late.length > 0)
      throw new Error(`written when there was nothing to do:\n${late.slice(0, 9).join('\n')}`);
    const foreign = intruders(simulation);
    if (foreign.length > 0)
      throw new Error(`written without the lease: ${JSON.stringify(foreign.slice(0, 5))}`);
    tally.addAll(simulation.tally);
    tally.add('(writes)', simulation.writes.length);
  } finally {
    simulation.stopAll();
    mock.mockRestore();
  }
}

test(
  'whatever goes wrong, in whatever order: the end is that of a fresh resource, and then all is silent',
  async () => {
    const tally = new Tally();
    const first = ONLY === undefined ? Number(process.env['FAULT_BASE'] ?? '1') : Number(ONLY);
    const runs = ONLY === undefined ? RUNS : 1;
    const failed: string[] = [];
    for (let seed = first; seed < first + runs && failed.length < 5; seed++) {
      await play(seed, tally).catch((error: unknown) => {
        failed.push(`FAULT_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
    console.log(
      `faults (simulated): seeds ${first} to ${first + runs - 1}, ` +
        `${runs - failed.length} of ${runs} ended in the same state; injected:\n${tally.toString()}`,
    );
    expect(failed.join('\n\n')).toBe('');
  },
  30_000 + RUNS * 8000,
);

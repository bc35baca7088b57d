import {expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../../src/kube/objects.ts';
import {difference, essence} from '../../../support/simulation/essence.ts';
import {NO_FAULTS, Tally, type Faults} from '../../../support/simulation/faults.ts';
import {NAMESPACE} from '../../../support/simulation/process.ts';
import {IMAGES} from '../../../support/simulation/pods.ts';
import {Random} from '../../../support/simulation/random.ts';
import {CHILDREN, OWN_SECRETS, SPECS} from '../../../support/simulation/scenarios.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {intruders} from '../../../support/simulation/writers.ts';
import {fresh, giveSecrets, silence} from './fresh.ts';
import {OVER_MS, RELIST_MS, simulated} from './play.ts';

const RUNS = Number(process.env['FAULT_RUNS'] ?? '8');
const ONLY = process.env['FAULT_SEED'];
/** A process that hears nothing more on a watch, and leads, may believe in an old spec for so long. */
const STALE_MS = 10 * 60_000;
/** What was refused rests for half an hour at the most. */
const WITHIN_MS = 3 * 60 * 60_000;

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

/** What fails does so while there is time. */
const HASTY = {rollout: {progressDeadline: '30s'}};
const PART = 'app.kubernetes.io/part-of';
/** On what somebody made who knows nothing of us. */
const STRANGER = {stranger: 'yes'};

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
    () => simulation.delete(RESOURCES.Secret, random.pick(OWN_SECRETS)),
    () => simulation.edit(RESOURCES.Secret, random.pick(OWN_SECRETS), {metadata: {labels: {[PART]: null}}}),
    () => {
      const job = simulation.children().find((each) => each.kind === 'Job');
      if (job !== undefined) simulation.delete(RESOURCES.Job, job.metadata.name);
    },
    () => simulation.spec({...random.pick(SPECS), image: random.pick(Object.values(IMAGES)), ...HASTY}),
    () => simulation.spec({...random.pick(SPECS), pod: {nodeSelector: {zone: 'mars'}}, ...HASTY}),
    () => {
      simulation.outside.provider = random.pick(['accepts', 'refuses', 'away'] as const);
    },
    () => {
      simulation.outside.podsBecomeReady = random.chance(0.5);
    },
    () => {
      for (const each of simulation.children())
        if (each.kind === 'ConfigMap') simulation.delete(RESOURCES.ConfigMap, each.metadata.name);
    },
    () => simulation.delete(FRAISEQLAUTH, 'auth'),
    () => occupy(simulation, type, name),
  ];
  random.pick(actions)();
}

/** Something of that name that is none of ours stands where a child has to be. */
function occupy(simulation: Simulation, type: ResourceType, name: string): void {
  const {apiVersion, kind} = type;
  simulation.delete(type, name);
  const object = {
    apiVersion,
    kind,
    metadata: {namespace: NAMESPACE, name, labels: STRANGER},
    spec: {replicas: 0},
  };
  simulation.api.write('user', {verb: 'create', type, object, manager: 'user'});
}

function isStrange(object: KubeObject | undefined): boolean {
  return object?.metadata.labels?.['stranger'] !== undefined;
}

/** What operators did to what is not theirs. */
function seized({api}: Simulation): string[] {
  return api.log.flatMap(({before, after}, index) => {
    const by = api.writes[index]?.by ?? '';
    const done = isStrange(before) && by.startsWith('operator-');
    return done ? [`${by} ${after === undefined ? 'deleted' : 'changed'} ${before?.kind} of a stranger`] : [];
  });
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
      leader.client.line.leaseBlocked = true;
      await simulation.time.run(random.between(5000, 20_000));
      leader.client.line.leaseBlocked = false;
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
  Object.assign(simulation.outside, {provider: 'accepts', podsBecomeReady: true});
  for (const [type, name] of CHILDREN)
    if (isStrange(simulation.api.get(type, {namespace: NAMESPACE, name}))) simulation.delete(type, name);
  giveSecrets(simulation);
  simulation.spec(spec);
}

async function play(seed: number, tally: Tally): Promise<void> {
  const target = new Random(seed).pick(SPECS);
  const wanted = await fresh(target);
  await simulated(seed, async (simulation) => {
    const {random} = simulation;
    simulation.service.lagMs = STALE_MS;
    giveSecrets(simulation);
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
    const settled = await simulation.settle(WITHIN_MS);
    const odd = difference(wanted, essence(simulation, {jobs: false}));
    if (!settled) throw new Error(`not at rest: ${simulation.unrest()}`);
    if (odd.length > 0) throw new Error(`not as a fresh one:\n${odd.slice(0, 20).join('\n')}`);
    const late = await silence(simulation);
    if (late.length > 0)
      throw new Error(`written when there was nothing to do:\n${late.slice(0, 9).join('\n')}`);
    const foreign = intruders(simulation);
    if (foreign.length > 0)
      throw new Error(`written without the lease: ${JSON.stringify(foreign.slice(0, 5))}`);
    const taken = seized(simulation);
    if (taken.length > 0) throw new Error(`not ours: ${taken.slice(0, 5).join('; ')}`);
    const {broken} = simulation.service;
    if (broken.length > 0) throw new Error(`pods were missed: ${broken.join('; ')}`);
    tally.addAll(simulation.tally);
    tally.add('(writes)', simulation.writes.length);
  });
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
  60_000 + RUNS * 15_000,
);

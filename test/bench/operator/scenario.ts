import {mkdir, rm} from 'node:fs/promises';
import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {measureFloor, type Floor, type Run} from './floor.ts';
import {LatencyMeter, type Latencies} from './latency.ts';
import {Program, sum, type Samples} from './program.ts';
import {Watcher} from './watcher.ts';
import {CHILD_TYPES} from '../../../src/operator/observe/scope.ts';
import type {Stored} from '../../support/fraiseqlauths.ts';
import {
  CHILDREN,
  CONCURRENCY,
  inParallel,
  keysOf,
  OURS,
  PAUSE_MS,
  productionResource,
  startWorld,
  type World,
} from './world.ts';

export interface Options {
  /** How many are changed and deleted one at a time, when nothing else goes on. */
  readonly samples: number;
  readonly idleSeconds: number;
  /** Secrets that no resource names, 4 KB each, in the resources' own namespaces; 0 leaves that out. */
  readonly foreignSecrets: number;
  readonly namespaces: number;
  /** Where the operator's log goes, and its CPU profile where one is asked for. */
  readonly directory: string;
  readonly profile: boolean;
}

export interface Row {
  readonly resources: number;
  readonly floor: Floor;
  readonly ours: Run;
  readonly rss: {
    settled: number;
    peak: number;
    restarted: number;
    restartedAtRest: number;
    restartedPeak: number;
    foreign?: number;
    foreignRestarted?: number;
    foreignRestartedAtRest?: number;
  };
  readonly restart: {writes: number; seconds: number};
  readonly idle: Latencies;
  readonly busy: Latencies;
  readonly eventLoopMs: {burst: number; idle: number};
  readonly idleRequestsPerMinute: number;
  /** Milliseconds of the operator's CPU for each resource of the burst. */
  readonly cpuMsPerResource: number;
  /** Requests of the operator for each resource of the burst, by verb. */
  readonly requests: Readonly<Record<string, number>>;
}

/** Resources that are there before the burst, to be changed while it goes on. */
const CANARIES = 4;
/** Eight seconds after it last had to, V8 looks once more at what it keeps, and gives back what it does not. */
const AT_REST_SECONDS = 12;
const WRITES = /verb="(create|apply|patch|delete|update)"/;
const LEASE = /verb="update"/;

/** All figures for one number of resources: the floor first, then the operator, each with an API server of its own. */
export async function measure(count: number, options: Options, say: (text: string) => void): Promise<Row> {
  const floor = await withWorld(options, async ({client, namespaces}) =>
    measureFloor(client, resourcesOf(namespaces, 'auth', count), options.samples),
  );
  say(`${count}: floor ${(floor.objects / floor.seconds).toFixed(0)} objects/s`);
  return withWorld(options, (world) => operate(world, count, floor, options, say));
}

async function operate(
  world: World,
  count: number,
  floor: Floor,
  options: Options,
  say: (text: string) => void,
): Promise<Row> {
  const {client, server, namespaces} = world;
  const {directory, idleSeconds} = options;
  const pauseMs = Math.min(3, idleSeconds) * 1000;
  const restMs = Math.min(AT_REST_SECONDS, idleSeconds) * 1000;
  await mkdir(directory, {recursive: true});
  const log = `${directory}/operator-${count}.log`;
  await rm(log, {force: true});
  const profiling = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${directory}/profile`] : [];
  const start = (flags: readonly string[] = []): Promise<Program> =>
    Program.start(server.kubeconfigPath, log, flags);
  const resources = new Watcher<Stored>(client, FRAISEQLAUTH);
  const canaries = resourcesOf(namespaces, 'canary', CANARIES);
  const busyMeter = new LatencyMeter(
    client,
    canaries.map(({metadata}) => metadata.name),
  );
  const meter = new LatencyMeter(client);
  let program = await start(profiling);
  try {
    await Promise.all([resources.start(), busyMeter.start()]);
    await program.until('leads', (samples) => sum(samples, 'leader_election_master_status') === 1);
    for (const canary of canaries) await client.create(FRAISEQLAUTH, canary);
    await resources.count(CANARIES, converged, 60_000);
    const before = await settled(program);

    const burst = new AbortController();
    const busy = busyMeter.measure(keysOf(canaries), Infinity, 250, burst.signal);
    const wanted = resourcesOf(namespaces, 'auth', count);
    const started = performance.now();
    const all = resources.count(CANARIES + count, converged, 60_000 + count * 1000);
    await inParallel(wanted, CONCURRENCY, async (each) => void (await client.create(FRAISEQLAUTH, each)));
    const ours: Run = {objects: count * CHILDREN, seconds: ((await all) - started) / 1000};
    burst.abort();
    const busyLatencies = await busy;
    // Each reading begins the next one's time: what comes after the burst is none of it.
    const eventLoopBurst = eventLoop(await program.now());
    await busyMeter.stop();
    const afterBurst = await settled(program);
    await complete(client, count + CANARIES);
    say(`${count}: operator ${(ours.objects / ours.seconds).toFixed(0)} objects/s`);

    await delay(pauseMs);
    const settledRss = await program.resident();
    await meter.start();
    await program.now();
    const idle = await meter.measure(keysOf([...canaries, ...wanted]), options.samples, PAUSE_MS);
    const eventLoopIdle = eventLoop(await program.now());
    await settled(program);
    await delay(pauseMs);
    const quiet = await program.now();
    await delay(idleSeconds * 1000);
    const later = await program.now();
    const requests = sum(later, 'rest_client_requests_total') - sum(quiet, 'rest_client_requests_total');
    await program.stop();

    const versions = await versionsOf(client);
    const restarted = await restart(start, count + CANARIES);
    program = restarted.program;
    const changed = [...(await versionsOf(client))].filter((each) => !versions.has(each)).length;
    await delay(pauseMs);
    const restartedRss = await program.resident();
    await delay(restMs);
    const rss: Row['rss'] = {
      settled: settledRss.now,
      peak: settledRss.peak,
      restarted: restartedRss.now,
      restartedAtRest: (await program.resident()).now,
      restartedPeak: restartedRss.peak,
    };
    if (options.foreignSecrets > 0) {
      await createForeignSecrets(client, namespaces, options.foreignSecrets);
      await delay(pauseMs);
      rss.foreign = (await program.resident()).now;
      await program.stop();
      program = (await restart(start, count + CANARIES)).program;
      await delay(pauseMs);
      rss.foreignRestarted = (await program.resident()).now;
      await delay(restMs);
      rss.foreignRestartedAtRest = (await program.resident()).now;
    }
    return {
      resources: count,
      floor,
      ours,
      rss,
      restart: {writes: Math.max(restarted.writes, changed), seconds: restarted.seconds},
      idle,
      busy: busyLatencies,
      eventLoopMs: {burst: eventLoopBurst, idle: eventLoopIdle},
      idleRequestsPerMinute: (requests * 60) / idleSeconds,
      cpuMsPerResource: (cpuSeconds(afterBurst) - cpuSeconds(before)) * (1000 / count),
      requests: perResource(before, afterBurst, count),
    };
  } finally {
    await program.stop();
    await Promise.all([resources.stop(), busyMeter.stop(), meter.stop()]);
  }
}

async function withWorld<T>(options: Options, work: (world: World) => Promise<T>): Promise<T> {
  const world = await startWorld(options.namespaces);
  try {
    return await work(world);
  } finally {
    await world.stop();
  }
}

function resourcesOf(namespaces: readonly string[], prefix: string, count: number): Stored[] {
  return Array.from({length: count}, (_, index) =>
    productionResource(namespaces[index % namespaces.length] ?? '', `${prefix}-${index}`),
  );
}

/** Ready, of the spec as it is now: all children are there, and the status says so. */
function converged({metadata, status}: Stored): boolean {
  const ready = status?.conditions?.find((each) => each.type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
}

/** Waits until nothing waits and nothing is under way. */
async function settled(program: Program): Promise<Samples> {
  let passes = -1;
  return program.until(
    'comes to rest',
    (samples) => {
      const now = sum(samples, 'fraiseql_auth_operator_reconcile_total');
      const still = now === passes && sum(samples, 'workqueue_depth') === 0;
      passes = now;
      return still;
    },
    500,
  );
}

/** @throws Error when there are not as many children as there should be: then the figures mean nothing */
async function complete(client: KubeClient, resources: number): Promise<void> {
  const lists = await Promise.all(
    CHILD_TYPES.map((type) => client.list(type, {labelSelector: OURS, metadataOnly: true})),
  );
  const found = lists.reduce((total, {items}) => total + items.length, 0);
  if (found !== resources * CHILDREN) {
    throw new Error(`${found} children of ${resources} resources, and not ${resources * CHILDREN}`);
  }
}

/** Every object of ours with its version, so that a write of any kind shows. */
async function versionsOf(client: KubeClient): Promise<Set<string>> {
  const lists = await Promise.all([
    client.list(FRAISEQLAUTH, {metadataOnly: true}),
    ...CHILD_TYPES.map((type) => client.list(type, {labelSelector: OURS, metadataOnly: true})),
  ]);
  return new Set(
    lists.flatMap(({items}) =>
      items.map((each) => `${each.kind} ${keyOf(each)} ${each.metadata.resourceVersion}`),
    ),
  );
}

/**
 * Starts the program over what is converged: how long until every resource was looked at, and what was written. When
 * that was the program itself says: to ask it for all its samples again and again takes a tenth of its time.
 */
async function restart(
  start: () => Promise<Program>,
  resources: number,
): Promise<{program: Program; seconds: number; writes: number}> {
  const startedAt = Date.now() / 1000;
  const program = await start();
  const inSync = await program.until(
    'is in sync',
    (samples) =>
      sum(samples, 'fraiseql_auth_operator_reconcile_total', /success/) >= resources &&
      sum(samples, 'workqueue_depth') === 0,
    500,
  );
  const seconds = sum(inSync, 'fraiseql_auth_operator_last_successful_sync_timestamp_seconds') - startedAt;
  const samples = await settled(program);
  const of = (labels: RegExp): number => sum(samples, 'rest_client_requests_total', labels);
  // The lease is all that it ever replaces.
  return {program, seconds, writes: of(WRITES) - of(LEASE)};
}

async function createForeignSecrets(
  client: KubeClient,
  namespaces: readonly string[],
  count: number,
): Promise<void> {
  const value = Buffer.alloc(4096, 'x').toString('base64');
  const indexes = Array.from({length: count}, (_, index) => index);
  await inParallel(indexes, CONCURRENCY, async (index) => {
    await client.create<KubeObject>(RESOURCES.Secret, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {name: `foreign-${index}`, namespace: namespaces[index % namespaces.length] ?? ''},
      data: {value},
    });
  });
}

/** The 99th percentile since /metrics was last read, in milliseconds. */
function eventLoop(samples: Samples): number {
  return sum(samples, 'nodejs_eventloop_lag_p99_seconds') * 1000;
}

function cpuSeconds(samples: Samples): number {
  return sum(samples, 'process_cpu_seconds_total');
}

function perResource(before: Samples, after: Samples, count: number): Record<string, number> {
  const verbs = ['get', 'list', 'watch', 'create', 'apply', 'patch', 'delete'];
  const of = (samples: Samples, verb: string): number =>
    sum(samples, 'rest_client_requests_total', new RegExp(`verb="${verb}"`));
  return Object.fromEntries(verbs.map((verb) => [verb, (of(after, verb) - of(before, verb)) / count]));
}

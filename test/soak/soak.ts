import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../src/api/v1alpha1/group-version.ts';
import {keyOf, RESOURCES, type KubeObject} from '../../src/kube/objects.ts';
import {quantile} from '../bench/operator/latency.ts';
import {Program} from '../bench/operator/program.ts';
import {
  CONCURRENCY,
  inParallel,
  productionResource,
  startWorld,
  type World,
} from '../bench/operator/world.ts';
import {startFaultProxy} from '../support/fault-proxy.ts';
import type {Stored} from '../support/fraiseqlauths.ts';
import {childrenByOwner, normalised} from '../support/normalised.ts';
import {Random} from '../support/simulation/random.ts';
import {disturb} from './disturbances.ts';
import {collectGarbage} from './garbage.ts';
import type {Sample, Soak} from './report.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly resources: number;
  readonly seed: number;
  readonly directory: string;
  readonly say: (text: string) => void;
}

const NAMESPACES = 20;
/** After this share of the time no operator is killed any more. */
const KILLING = 0.6;
/** With this the operator ends when it lost its lease. */
const LEASE_LOST = 1;
const FRESH = 'fresh-';
/** Connections that nobody needs are closed within this time. */
const IDLE_MS = 35_000;
/** A process takes about this long until its memory is what it stays; a stretch after that tells of growth. */
const WARM_SECONDS = 90;

/** Runs it all: about the minutes asked for, and what it takes until all are ready before and after. */
export async function soak(options: SoakOptions): Promise<Soak> {
  const world = await startWorld(NAMESPACES);
  try {
    return await operate(world, options);
  } finally {
    await world.stop();
  }
}

async function operate({server, client, namespaces}: World, options: SoakOptions): Promise<Soak> {
  const {minutes, seed, directory, say} = options;
  const random = new Random(seed);
  const proxy = await startFaultProxy(server.port);
  const garbage = collectGarbage(client);
  const kubeconfig = await server.kubeconfig('soak', {
    groups: ['system:masters'],
    server: `https://127.0.0.1:${proxy.port}`,
  });
  const log = `${directory}/soak-operator.log`;
  let program = await Program.start(kubeconfig, log);
  const done: Record<string, number> = {};
  const count = (name: string): void => void (done[name] = (done[name] ?? 0) + 1);
  // What a kubelet does: one that lost its lease ends by itself, and is started again.
  const keepUp = async (): Promise<void> => {
    if (program.ended === undefined) return;
    if (program.ended !== LEASE_LOST) throw new Error(`the operator ended with ${program.ended}; see ${log}`);
    count('operators that lost the lease');
    program = await Program.start(kubeconfig, log);
  };
  const problem = async (): Promise<string | undefined> => {
    await keepUp();
    return allReady(client);
  };
  try {
    const all = Array.from({length: options.resources}, (_, index) =>
      productionResource(namespaces[index % namespaces.length] ?? '', `auth-${index}`),
    );
    await inParallel(all, CONCURRENCY, async (each) => void (await client.create(FRAISEQLAUTH, each)));
    await until(problem, 60_000 + options.resources * 1000, 'ready at first');
    await delay(IDLE_MS);
    const connections = {first: proxy.open, last: 0};
    say(`${options.resources} resources are ready; ${minutes} minutes of disturbances, seed ${seed}`);

    const started = performance.now();
    const lengthMs = minutes * 60_000;
    const left = (): number => started + lengthMs - performance.now();
    const samples: Sample[] = [];
    const ending = new AbortController();
    const watching = (async () => {
      while (!ending.signal.aborted) {
        const at = (performance.now() - started) / 1000;
        const rssMiB = (await program.resident().catch(() => undefined))?.now;
        if (rssMiB !== undefined && Number.isFinite(rssMiB))
          samples.push({at, rssMiB, connections: proxy.open, pid: program.pid});
        await delay(Math.min(5000, lengthMs / 60));
      }
    })();
    // On average one a quarter of a second on 200 resources, and the same share of fewer.
    const pauseMs = 250 * Math.max(1, 200 / options.resources);
    let [cutAt, killAt] = [cutIn(random), killIn(random, minutes)];
    while (left() > 0) {
      await keepUp();
      const {metadata} = random.pick(all);
      count(await disturb(client, {name: metadata.name, namespace: metadata.namespace ?? ''}, random));
      const now = performance.now() - started;
      if (now > cutAt) {
        cutAt = now + cutIn(random);
        if (random.chance(0.7)) {
          count('watch cuts');
          proxy.reset();
        } else {
          count('silent network');
          proxy.mute(true);
          await delay(random.between(500, 4000));
          proxy.mute(false);
          proxy.reset();
        }
      }
      if (now > killAt && now < lengthMs * KILLING) {
        killAt = now + killIn(random, minutes);
        if (random.chance(0.6)) {
          count('operators killed');
          await program.kill();
        } else {
          count('operators ended');
          await program.stop();
        }
        program = await Program.start(kubeconfig, log);
      }
      await delay(random.between(0, 2 * pauseMs));
    }
    const ended = performance.now();
    await until(problem, 180_000, 'ready after the disturbances');
    const settleSeconds = (performance.now() - ended) / 1000;
    await delay(IDLE_MS);
    ending.abort();
    await watching;
    connections.last = proxy.open;
    say('all are ready; a fresh one of each spec is made beside it');
    const {equal, different} = await compare(client, namespaces, problem);
    return {
      minutes,
      resources: options.resources,
      seed,
      node: process.version,
      done,
      settleSeconds,
      equal,
      different,
      rssMiB: memory(samples, lengthMs / 1000),
      connections,
      samples,
    };
  } finally {
    await program.stop();
    await garbage.stop();
    await proxy.close();
  }
}

type Client = World['client'];

async function allReady(client: Client): Promise<string | undefined> {
  const {items} = await client.list<Stored>(FRAISEQLAUTH);
  const waiting = items.filter(
    ({metadata, status}) =>
      status?.observedGeneration !== metadata.generation ||
      status?.conditions?.find((each) => each.type === 'Ready')?.status !== 'True',
  );
  const first = waiting[0];
  return first === undefined ? undefined : `${waiting.length} are not ready, ${keyOf(first)} among them`;
}

/** Waits until `problem` names none. */
async function until(
  problem: () => Promise<string | undefined>,
  withinMs: number,
  what: string,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let last = await problem(); last !== undefined; last = await problem()) {
    if (performance.now() > deadline) throw new Error(`not ${what} within ${withinMs / 1000} s: ${last}`);
    await delay(500);
  }
}

/** A namesake of each with its spec in a fresh namespace, and what is different between the two. */
async function compare(
  client: Client,
  namespaces: readonly string[],
  problem: () => Promise<string | undefined>,
): Promise<{equal: number; different: string[]}> {
  const before = (await client.list<Stored>(FRAISEQLAUTH)).items;
  for (const name of namespaces) {
    const fresh = `${FRESH}${name}`;
    await client.create(RESOURCES.Namespace, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: fresh}});
    for (const secret of ['auth-db', 'keycloak-client', 's3']) {
      const live = await client.get<KubeObject>(RESOURCES.Secret, {namespace: name, name: secret});
      await client.create<KubeObject>(RESOURCES.Secret, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {name: secret, namespace: fresh},
        data: live?.['data'],
      });
    }
  }
  await inParallel(before, CONCURRENCY, async ({apiVersion, kind, metadata, spec}) => {
    const key = {name: metadata.name, namespace: `${FRESH}${metadata.namespace}`};
    await client.create(FRAISEQLAUTH, {apiVersion, kind, metadata: key, spec} as unknown as Stored);
  });
  await until(problem, 60_000 + before.length * 1000, 'ready, the fresh ones');
  await delay(5000);
  const all = (await client.list<Stored>(FRAISEQLAUTH)).items;
  const children = await childrenByOwner(client);
  const linesOf = (one: Stored): string[] =>
    normalised(one, children.get(one.metadata.uid ?? '') ?? [], {jobs: false});
  const different: string[] = [];
  for (const fresh of all.filter((each) => each.metadata.namespace?.startsWith(FRESH))) {
    const namespace = fresh.metadata.namespace?.slice(FRESH.length);
    const old = all.find(
      (each) => each.metadata.namespace === namespace && each.metadata.name === fresh.metadata.name,
    );
    const [a, b] = [new Set(old === undefined ? [] : linesOf(old)), new Set(linesOf(fresh))];
    const odd = [...a].filter((each) => !b.has(each)).map((each) => `- ${each}`);
    odd.push(...[...b].filter((each) => !a.has(each)).map((each) => `+ ${each}`));
    if (odd.length > 0) different.push(`${namespace}/${fresh.metadata.name}: ${odd.join(' ')}`);
  }
  return {equal: before.length - different.length, different};
}

/** Of the stretch in which one process ran on. */
function memory(samples: readonly Sample[], lengthSeconds: number): Soak['rssMiB'] {
  const pid = samples.at(-1)?.pid;
  const began = samples.find((each) => each.pid === pid)?.at ?? 0;
  const from = Math.max(lengthSeconds * KILLING, began + WARM_SECONDS);
  const last = samples.filter((each) => each.pid === pid && each.at > from);
  const median = (some: readonly Sample[]): number =>
    Number(
      quantile(
        some.map((each) => each.rssMiB),
        0.5,
      ).toFixed(1),
    );
  const third = Math.ceil(last.length / 3);
  const seconds = (last.at(-1)?.at ?? from) - from;
  return {
    first: median(last.slice(0, third)),
    last: median(last.slice(-third)),
    seconds: Math.max(0, Math.round(seconds)),
    peak: Math.max(...samples.map((each) => each.rssMiB)),
  };
}

const cutIn = (random: Random): number => random.between(3000, 15_000);
const killIn = (random: Random, minutes: number): number => random.between(0.03, 0.12) * minutes * 60_000;

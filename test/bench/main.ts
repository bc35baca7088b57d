// Figures of a small installation: how fast an instance is Ready, and awake again, and what it costs to keep.
import {stat, writeFile} from 'node:fs/promises';
import {cpus} from 'node:os';
import {ensureShared, databaseUrl, secrets, SHARED} from '../e2e/support/fixtures.ts';
import {databaseOf, fraiseqlauth, NAME, prepare} from '../e2e/support/instance.ts';
import {ensureOperator, OPERATOR_NAMESPACE} from '../e2e/support/operator.ts';
import {conditionOf, isReady, ResourceWatch} from '../e2e/support/watch.ts';
import {apply, kubectl} from '../support/kubectl.ts';

const RUNS = Number(process.env['RUNS'] ?? '5');
const CYCLES = Number(process.env['CYCLES'] ?? '3');
const SETTLE_MS = 20_000;

interface Summary {
  readonly pods: readonly {
    readonly podRef: {readonly name: string; readonly namespace: string};
    readonly containers: readonly {readonly name: string; readonly memory?: {readonly rssBytes?: number}}[];
  }[];
}

/** Resident memory of the containers of a name, in MiB, the largest first. */
async function residentMiB(container: string, namespace?: string): Promise<readonly number[]> {
  const {items} = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: {metadata: {name: string}}[];
  };
  const found: number[] = [];
  for (const node of items) {
    const summary = JSON.parse(
      await kubectl(['get', '--raw', `/api/v1/nodes/${node.metadata.name}/proxy/stats/summary`]),
    ) as Summary;
    for (const pod of summary.pods) {
      if (namespace !== undefined && pod.podRef.namespace !== namespace) continue;
      for (const {name, memory} of pod.containers) {
        if (name === container && memory?.rssBytes !== undefined) found.push(memory.rssBytes / 2 ** 20);
      }
    }
  }
  return found.sort((a, b) => b - a);
}

const watch = new ResourceWatch();
await Promise.all([ensureOperator(), ensureShared()]);
watch.start();

const seconds: number[] = [];
for (let run = 1; run <= RUNS; run++) {
  const namespace = `bench-${run}`;
  await prepare(namespace);
  await secrets(namespace, databaseUrl(SHARED, databaseOf(namespace)));
  const started = performance.now();
  await apply([fraiseqlauth(namespace, {spec: {replicas: 3}})]);
  await watch.until(namespace, NAME, 'ready', isReady, 120_000);
  seconds.push((performance.now() - started) / 1000);
  console.log(`run ${run} of ${RUNS}: from kubectl apply to Ready in ${seconds.at(-1)?.toFixed(1) ?? ''} s`);
  if (run < RUNS) await kubectl(['delete', 'fqa', NAME], {namespace});
}

/** Of the last one, which stays: from running to asleep, and back, with all of its pods. */
const asleep: number[] = [];
const awake: number[] = [];
const run = (namespace: string, runState: string): Promise<string> =>
  kubectl(['patch', 'fqa', NAME, '--type=merge', '-p', JSON.stringify({spec: {runState}})], {namespace});
const since = (started: number): number => (performance.now() - started) / 1000;
for (let cycle = 1; cycle <= CYCLES; cycle++) {
  const namespace = `bench-${RUNS}`;
  let started = performance.now();
  await run(namespace, 'Hibernated');
  await watch.until(
    namespace,
    NAME,
    'asleep',
    (each) => conditionOf(each, 'Ready')?.reason === 'Hibernated' && (each.status?.replicas ?? 0) === 0,
    120_000,
  );
  asleep.push(since(started));
  started = performance.now();
  await run(namespace, 'Running');
  await watch.until(namespace, NAME, 'awake', isReady, 120_000);
  awake.push(since(started));
  console.log(
    `cycle ${cycle} of ${CYCLES}: asleep in ${asleep.at(-1)?.toFixed(1) ?? ''} s, Ready again in ${awake.at(-1)?.toFixed(1) ?? ''} s`,
  );
}
watch.close();
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

const [operator, servers] = await Promise.all([
  residentMiB('operator', OPERATOR_NAMESPACE),
  residentMiB('server', `bench-${RUNS}`),
]);
const rounded = (value: number | undefined): number => Math.round((value ?? Number.NaN) * 10) / 10;
const spread = (all: readonly number[]): Record<string, number> => {
  const sorted = [...all].sort((a, b) => a - b);
  return {
    runs: all.length,
    replicas: 3,
    least: rounded(sorted[0]),
    median: rounded(sorted[Math.floor(all.length / 2)]),
    most: rounded(sorted.at(-1)),
  };
};
const figures = {
  cpus: cpus().length,
  node: process.version,
  applyToReadySeconds: spread(seconds),
  runningToHibernatedSeconds: spread(asleep),
  hibernatedToReadySeconds: spread(awake),
  imageMiB: rounded((await stat('build/images/fraiseql-auth.tar')).size / 2 ** 20),
  residentMiB: {operator: rounded(operator[0]), server: servers.map(rounded)},
};
console.log(JSON.stringify(figures, null, 2));
await writeFile('build/bench.json', `${JSON.stringify(figures, null, 2)}\n`);
if (operator.length === 0 || servers.length === 0) throw new Error('the kubelet gave no memory figures');

import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {Lease} from '../../../src/kube/lease.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {startApiProxy, type ApiProxy, type ProxiedWrite} from '../../support/api-proxy.ts';
import {startOperator, type OperatorProgram} from '../../support/operator-program.ts';
import {Random} from '../../support/simulation/random.ts';
import {playControllers} from './controllers.ts';
import {eventually, fraiseqlauth, IMAGE, type Observer, startOwnHarness, type OwnHarness} from './harness.ts';

let harness: OwnHarness;
const running: {stop(): Promise<void>}[] = [];
beforeAll(async () => {
  harness = await startOwnHarness();
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()));
  await harness.stop();
});

interface Candidate {
  readonly name: string;
  readonly proxy: ApiProxy;
  readonly program: OperatorProgram;
}

/** Two operators over one namespace, each behind a proxy of its own, which says who wrote what and when. */
async function pair(): Promise<{
  namespace: string;
  see: Observer;
  all: [Candidate, Candidate];
  holder: () => Promise<string>;
}> {
  const {namespace, see} = await harness.prepare();
  running.push(playControllers(see));
  const start = async (name: string): Promise<Candidate> => {
    const proxy = await startApiProxy(harness.server.kubeconfigPath, `${namespace}-${name}`, new Random(1));
    const program = await startOperator(proxy.kubeconfigPath, IMAGE, {
      POD_NAME: name,
      POD_NAMESPACE: namespace,
      WATCH_NAMESPACE: namespace,
    });
    running.push({
      async stop() {
        program.process.kill('SIGKILL');
        await program.ended();
        await proxy.close();
      },
    });
    return {name, proxy, program};
  };
  const holder = async (): Promise<string> => {
    const lease = await harness.admin.get<Lease>(RESOURCES.Lease, {
      namespace,
      name: 'fraiseql-auth-operator',
    });
    return lease?.spec.holderIdentity ?? '';
  };
  const first = await start('first');
  await eventually(async () => (await holder()) === 'first');
  const second = await start('second');
  await eventually(() => second.program.health('/readyz'));
  return {namespace, see, all: [first, second], holder};
}

const LONG = process.env['FAULT_ALL'] === '1' ? ['stopped'] : [];
const LEASES = /\/leases/;
const EVENTS = /\/events/;
const work = ({path}: ProxiedWrite): boolean => !LEASES.test(path) && !EVENTS.test(path);

/** Changes of the resource's spec, over and over, so that whoever leads has always something to write. */
function keepBusy(namespace: string): {stop(): Promise<void>} {
  const ending = new AbortController();
  const busy = (async () => {
    for (let turn = 0; !ending.signal.aborted; turn++) {
      await harness.admin.mergePatch(
        FRAISEQLAUTH,
        {namespace, name: 'auth'},
        {spec: {logging: {level: turn % 2 === 0 ? 'debug' : 'info'}}},
      );
      await new Promise((resolve) => {
        setTimeout(resolve, 60);
      });
    }
  })();
  return {
    async stop() {
      ending.abort();
      await busy;
    },
  };
}

/** Two of which the first leads, and has written for a while. */
async function busyPair() {
  const started = await pair();
  const {namespace, see, all} = started;
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
  await eventually(async () => (await see.condition('Ready')).status === 'True');
  const busy = keepBusy(namespace);
  await eventually(() => all[0].proxy.writes.filter(work).length > 30);
  return {...started, busy};
}

/** All writes of both, in the order in which they went to the API server: first those of one, then those of the other. */
function expectOneAfterTheOther([one, other]: [Candidate, Candidate]): void {
  const log = [one, other]
    .flatMap(({name, proxy}) => proxy.writes.filter(work).map((write) => ({name, at: write.at})))
    .toSorted((a, b) => a.at - b.at);
  const changes = log.filter(({name}, index) => index > 0 && log[index - 1]?.name !== name);
  expect(log.filter(({name}) => name === one.name).length).toBeGreaterThan(5);
  expect(log.filter(({name}) => name === other.name).length).toBeGreaterThan(5);
  expect(changes.map(({name}) => name)).toEqual([other.name]);
}

/** Milliseconds from then until the other's first write of its work. */
async function takeover({proxy}: Candidate, since: number, withinMs: number): Promise<number> {
  const first = await eventually(
    () => proxy.writes.find((each) => work(each) && each.at >= since) ?? false,
    withinMs,
  );
  return first.at - since;
}

describe.concurrent('two operators, one leader', () => {
  test('told to end, it hands over long before its lease would have expired', async () => {
    const {all, holder, busy} = await busyPair();
    const [first, second] = all;
    const since = performance.now();
    first.program.process.kill('SIGTERM');
    const ms = await takeover(second, since, 30_000);
    expect(await first.program.ended()).toBe('0');
    await eventually(() => second.proxy.writes.filter(work).length > 10);
    await busy.stop();
    console.log(`handover: the other's first write ${Math.round(ms)} ms after SIGTERM`);
    // Two seconds on a machine that has time; the lease holds for fifteen.
    expect(ms).toBeLessThan(10_000);
    expect(await holder()).toBe('second');
    expectOneAfterTheOther(all);
  });

  test('killed, the other takes over when its lease has expired', async () => {
    const {all, busy} = await busyPair();
    const [first, second] = all;
    const since = performance.now();
    first.program.process.kill('SIGKILL');
    const ms = await takeover(second, since, 60_000);
    await eventually(() => second.proxy.writes.filter(work).length > 10);
    await busy.stop();
    console.log(`crash: the other's first write ${Math.round(ms)} ms after SIGKILL`);
    expect(ms).toBeLessThan(40_000);
    expectOneAfterTheOther(all);
  });

  // Another quarter of a minute, so only with the other long ones.
  test.each(LONG)(
    '%s while the other takes over, it writes nothing when it wakes, and ends',
    async () => {
      const {all, busy} = await busyPair();
      const [first, second] = all;
      const since = performance.now();
      first.program.process.kill('SIGSTOP');
      await takeover(second, since, 30_000);
      await eventually(() => second.proxy.writes.filter(work).length > 10);
      first.program.process.kill('SIGCONT');
      expect(await first.program.ended()).toBe('1');
      await eventually(() => second.proxy.writes.filter(work).length > 20);
      await busy.stop();
      expectOneAfterTheOther(all);
    },
    60_000,
  );

  test('whose lease another took stops at its next renewal', async () => {
    const {namespace, all, holder, busy} = await busyPair();
    const [first] = all;
    await harness.admin.mergePatch(
      RESOURCES.Lease,
      {namespace, name: 'fraiseql-auth-operator'},
      {spec: {holderIdentity: 'somebody', leaseDurationSeconds: 600}},
    );
    const since = performance.now();
    expect(await first.program.ended()).toBe('1');
    const last = Math.max(...first.proxy.writes.filter(work).map(({at}) => at));
    await busy.stop();
    console.log(`lost: its last write ${Math.round(last - since)} ms after another took the lease`);
    expect(last - since).toBeLessThan(10_000);
    expect(await holder()).toBe('somebody');
    expect(first.program.output()).toContain('the lease was lost');
  });
});

import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {KubeClient} from '../../../src/kube/client.ts';
import {LeaderElection, type Lease} from '../../../src/kube/lease.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {eventually} from './eventually.ts';

let api: TestApiServer;
let admin: KubeClient;
const candidates: Candidate[] = [];

beforeAll(async () => {
  api = await startApiServer({audit: true});
  admin = api.admin;
});
afterAll(() => api.stop());
afterEach(async () => {
  await Promise.all(candidates.splice(0).map((one) => one.election.release()));
});

interface Candidate {
  readonly identity: string;
  readonly election: LeaderElection;
  readonly ended: Promise<void>;
  readonly started: number[];
  readonly stopped: number[];
}

const FAST = {leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 400};

function stand(name: string, identity: string, client: KubeClient = admin, settings = {}): Candidate {
  const election = new LeaderElection(client, {namespace: 'default', name, identity, ...FAST, ...settings});
  const [started, stopped]: [number[], number[]] = [[], []];
  const ended = election.run({
    async onStartedLeading(signal) {
      started.push(performance.now());
      if (!signal.aborted) {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve, {once: true});
        });
      }
      stopped.push(performance.now());
    },
    onStoppedLeading: () => undefined,
  });
  const candidate = {identity, election, ended, started, stopped};
  candidates.push(candidate);
  return candidate;
}

function read(name: string): Promise<Lease | undefined> {
  return admin.get<Lease>(RESOURCES.Lease, {namespace: 'default', name});
}

test('one leads; given back, the other takes over at once', async () => {
  const a = stand('handover', 'a');
  await eventually(
    () => a.election.isLeader(),
    (leads) => leads,
  );
  const b = stand('handover', 'b');
  await new Promise((resolve) => {
    setTimeout(resolve, 1500);
  });
  expect(b.election.isLeader()).toBe(false);
  expect(b.election.holder).toBe('a');
  const lease = await read('handover');
  expect(lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(lease?.spec).toMatchObject({holderIdentity: 'a', leaseTransitions: 0, leaseDurationSeconds: 3});
  const releasedAt = performance.now();
  await a.election.release();
  await a.ended;
  expect(a.election.isLeader()).toBe(false);
  await eventually(
    () => b.started,
    (started) => started.length === 1,
  );
  expect((b.started[0] ?? 0) - releasedAt).toBeLessThan(2500);
  expect(a.stopped[0]).toBeLessThan(b.started[0] ?? 0);
  expect((await read('handover'))?.spec).toMatchObject({holderIdentity: 'b', leaseTransitions: 1});
});

test('is given back also when it is newer than the leader knows, as after a renewal whose answer was cut off', async () => {
  const {election, ended} = stand('newer', 'a');
  await eventually(
    () => election.isLeader(),
    (leads) => leads,
  );
  await admin.mergePatch(
    RESOURCES.Lease,
    {namespace: 'default', name: 'newer'},
    {metadata: {labels: {a: 'b'}}},
  );
  await election.release();
  await ended;
  expect((await read('newer'))?.spec.holderIdentity).toBe('');
});

test('with the usual settings a handover waits for no lease to expire', async () => {
  const usual = {leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000};
  const a = stand('usual', 'a', admin, usual);
  await eventually(
    () => a.election.isLeader(),
    (leads) => leads,
  );
  const b = stand('usual', 'b', admin, usual);
  await eventually(
    () => b.election.holder,
    (holder) => holder === 'a',
  );
  const releasedAt = performance.now();
  await a.election.release();
  await eventually(
    () => b.started,
    (started) => started.length === 1,
  );
  expect((b.started[0] ?? 0) - releasedAt).toBeLessThan(10_000);
});

test('a leader that is cut off stops before another begins, and the other begins when the lease has run out', async () => {
  const proxy = await startFaultProxy(api.port);
  const path = await api.kubeconfig('cut-off', {
    groups: ['system:masters'],
    server: `https://127.0.0.1:${proxy.port}`,
  });
  const client = await KubeClient.fromKubeconfig(path);
  const a = stand('cut', 'a', client);
  await eventually(
    () => a.election.isLeader(),
    (leads) => leads,
  );
  const b = stand('cut', 'b');
  await eventually(
    () => b.election.holder,
    (holder) => holder === 'a',
  );
  proxy.mute(true);
  const cutAt = performance.now();
  await a.ended;
  await eventually(
    () => b.started,
    (started) => started.length === 1,
  );
  const stoppedAt = a.stopped[0] ?? Number.POSITIVE_INFINITY;
  const startedAt = b.started[0] ?? 0;
  expect(stoppedAt - cutAt).toBeLessThanOrEqual(FAST.renewDeadlineMs + 300);
  expect(startedAt).toBeGreaterThan(stoppedAt);
  expect(startedAt - cutAt).toBeLessThan(FAST.leaseDurationMs + 1500);
  expect((await read('cut'))?.spec.holderIdentity).toBe('b');
  await client.close();
  await proxy.close();
});

test('a leader whose lease another took stops at its next renewal', async () => {
  const a = stand('taken', 'a');
  await eventually(
    () => a.election.isLeader(),
    (leads) => leads,
  );
  await admin.mergePatch(
    RESOURCES.Lease,
    {namespace: 'default', name: 'taken'},
    {spec: {holderIdentity: 'thief'}},
  );
  await a.ended;
  expect(a.stopped).toHaveLength(1);
  expect((await read('taken'))?.spec.holderIdentity).toBe('thief');
});

test('a leader survives a lease that was deleted, and one that was merely labelled', async () => {
  const a = stand('shaken', 'a');
  await eventually(
    () => a.election.isLeader(),
    (leads) => leads,
  );
  await admin.mergePatch(
    RESOURCES.Lease,
    {namespace: 'default', name: 'shaken'},
    {metadata: {labels: {x: 'y'}}},
  );
  await new Promise((resolve) => {
    setTimeout(resolve, 1000);
  });
  expect(a.election.isLeader()).toBe(true);
  await admin.delete(RESOURCES.Lease, {namespace: 'default', name: 'shaken'});
  await eventually(
    () => read('shaken'),
    (lease) => lease?.spec.holderIdentity === 'a',
  );
  expect(a.stopped).toEqual([]);
});

test('the API server restarts within the deadline: the leader leads on', async () => {
  // As long as a restart may take on a machine that does much else besides.
  const settings = {leaseDurationMs: 70_000, renewDeadlineMs: 65_000, retryPeriodMs: 500};
  const a = stand('restart', 'a', admin, settings);
  const b = stand('restart', 'b', admin, settings);
  await eventually(
    () => [a, b].filter((one) => one.election.isLeader()).length,
    (leaders) => leaders === 1,
  );
  const before = await read('restart');
  const beganAt = performance.now();
  await api.restart();
  expect(performance.now() - beganAt).toBeLessThan(settings.renewDeadlineMs);
  // Renewed by the new one, and that more than once.
  const renewals = new Set([before?.spec.renewTime]);
  await eventually(
    async () => renewals.add((await read('restart'))?.spec.renewTime).size,
    (size) => size >= 4,
  );
  expect([...a.stopped, ...b.stopped]).toEqual([]);
  expect([...a.started, ...b.started]).toHaveLength(1);
  expect((await read('restart'))?.spec).toMatchObject({
    holderIdentity: before?.spec.holderIdentity,
    leaseTransitions: 0,
  });
});

test('among five that start together one leads, and never two write', async () => {
  const five = Array.from({length: 5}, (_, index) => stand('crowd', `candidate-${index}`));
  await eventually(
    () => five.filter((one) => one.election.isLeader()).length,
    (leaders) => leaders === 1,
  );
  for (let round = 0; round < 4; round++) {
    const leader = five.find((one) => one.election.isLeader());
    await leader?.election.release();
    await eventually(
      () => five.filter((one) => one.election.isLeader()).length,
      (leaders) => leaders === 1,
    );
  }
  const periods = five
    .filter((one) => one.started.length > 0)
    .map((one) => ({from: one.started[0] ?? 0, to: one.stopped[0] ?? Number.POSITIVE_INFINITY}))
    .sort((x, y) => x.from - y.from);
  expect(periods).toHaveLength(5);
  const overlaps = periods.filter((period, index) => period.from <= (periods[index - 1]?.to ?? 0));
  expect(overlaps).toEqual([]);
});

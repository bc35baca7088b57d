import {expect, test} from 'vitest';
import {ApiError} from '../../../src/kube/errors.ts';
import {LeaderElection, type Lease, type LeasePort} from '../../../src/kube/lease.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {sleep} from '../../../src/support/clock.ts';
import {FakeClock, settle} from './fake-clock.ts';

/** A server that holds one lease and does what the real one does; a test may cut candidates off from it. */
class OneLease {
  lease: Lease | undefined;
  #version = 0;
  readonly cut = new Set<string>();
  /** How long the answer to a write is on its way. */
  answerMs = 0;
  /** The answer to the next write is lost: it comes to nothing so many milliseconds later. */
  lostMs: number | undefined;
  readonly writes: {identity: string; at: number}[] = [];

  port(identity: string, clock: FakeClock): LeasePort {
    const reach = (): void => {
      if (this.cut.has(identity)) throw new ApiError(0, 'Timeout', 'no answer');
    };
    const write = async (lease: Lease): Promise<Lease> => {
      const metadata = {...lease.metadata, resourceVersion: String(++this.#version)};
      const written = {...lease, metadata};
      this.lease = written;
      this.writes.push({identity, at: clock.monotonic()});
      if (this.answerMs > 0) await sleep(clock, this.answerMs);
      const {lostMs} = this;
      this.lostMs = undefined;
      if (lostMs !== undefined) {
        await sleep(clock, lostMs);
        throw new ApiError(0, 'ConnectionReset', 'read ECONNRESET');
      }
      return written;
    };
    const port = {
      get: async () => {
        reach();
        return this.lease;
      },
      create: async (_type: unknown, lease: KubeObject) => {
        reach();
        if (this.lease !== undefined) throw new ApiError(409, 'AlreadyExists', 'it exists');
        return write(lease as Lease);
      },
      replace: async (_type: unknown, lease: KubeObject) => {
        reach();
        if (this.lease?.metadata.resourceVersion !== lease.metadata.resourceVersion) {
          throw new ApiError(409, 'Conflict', 'it has changed');
        }
        return write(lease as Lease);
      },
    };
    return port as unknown as LeasePort;
  }
}

function stand(
  server: OneLease,
  identity: string,
  clock: FakeClock,
): {election: LeaderElection; signals: AbortSignal[]; ended: Promise<void>} {
  const port = server.port(identity, clock);
  const election = new LeaderElection(port, {namespace: 'ns', name: 'x', identity, clock, random: () => 0.5});
  const signals: AbortSignal[] = [];
  const ended = election.run({
    onStartedLeading(signal) {
      signals.push(signal);
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(), {once: true});
      });
    },
    onStoppedLeading: () => undefined,
  });
  return {election, signals, ended};
}

test('a crash: the other waits the whole duration as it saw it, whatever the times in the lease say', async () => {
  for (const skewMs of [-3_600_000, 0, 3_600_000]) {
    const [server, clock] = [new OneLease(), new FakeClock()];
    const theirs = new Date(clock.now() + skewMs).toISOString().replace('Z', '000Z');
    server.lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {name: 'x', namespace: 'ns', resourceVersion: '0'},
      spec: {holderIdentity: 'crashed', leaseDurationSeconds: 15, renewTime: theirs, acquireTime: theirs},
    };
    const {election} = stand(server, 'b', clock);
    await clock.advance(14_900);
    expect(election.isLeader()).toBe(false);
    await clock.advance(1200);
    expect(election.isLeader()).toBe(true);
    expect(server.lease.spec.leaseTransitions).toBe(1);
  }
});

test('a renewal whose answer was lost late is made up for at the first try after it', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const {election, signals} = stand(server, 'a', clock);
  await settle();
  // Of the 10 s until the deadline 2 are spent before the renewal, and 500 ms after its failure: 100 ms are left.
  server.lostMs = 7_400;
  await clock.advance(12_000);
  expect(signals.map(({aborted}) => aborted)).toEqual([false]);
  expect(election.isLeader()).toBe(true);
});

test('a holder that renews is never displaced, though its clock stands still', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const a = stand(server, 'a', clock);
  const b = stand(server, 'b', clock);
  await clock.advance(120_000);
  expect(a.election.isLeader()).not.toBe(b.election.isLeader());
  expect(new Set(server.writes.map((write) => write.identity)).size).toBe(1);
});

test('a leader that cannot renew is aborted at the deadline, before the other begins', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const a = stand(server, 'a', clock);
  await settle();
  const b = stand(server, 'b', clock);
  await clock.advance(60_000);
  server.cut.add('a');
  const lastRenewal = server.writes.at(-1)?.at ?? 0;
  let [abortedAt, beganAt] = [0, 0];
  while (beganAt === 0) {
    await clock.advance(50);
    if (abortedAt === 0 && a.signals[0]?.aborted === true) abortedAt = clock.monotonic();
    if (b.signals.length > 0) beganAt = clock.monotonic();
  }
  expect(abortedAt - lastRenewal).toBeLessThanOrEqual(10_050);
  expect(beganAt - lastRenewal).toBeGreaterThanOrEqual(15_000);
  expect(beganAt - lastRenewal).toBeLessThan(20_000);
  await a.ended;
});

test('a process that was stopped is no leader the moment it wakes, before any timer has fired', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const {election} = stand(server, 'a', clock);
  await settle();
  expect(election.isLeader()).toBe(true);
  clock.jump(10_000);
  expect(election.isLeader()).toBe(false);
});

test('the lease counts from before the call, not from its answer', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  server.answerMs = 8000;
  const {election} = stand(server, 'a', clock);
  await clock.advance(8500);
  expect(election.isLeader()).toBe(true);
  server.cut.add('a');
  await clock.advance(1600);
  expect(election.isLeader()).toBe(false);
});

test('what the leader throws gives the lease back and comes out of run', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const election = new LeaderElection(server.port('a', clock), {
    namespace: 'ns',
    name: 'x',
    identity: 'a',
    clock,
  });
  const ended = election.run({
    onStartedLeading() {
      throw new Error('cannot begin');
    },
    onStoppedLeading: () => undefined,
  });
  await expect(ended).rejects.toThrow('cannot begin');
  expect(server.lease?.spec.holderIdentity).toBe('');
});

test('released while it waits: it ends without having led', async () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  stand(server, 'a', clock);
  await settle();
  const b = stand(server, 'b', clock);
  await settle();
  await b.election.release();
  await b.ended;
  expect(b.signals).toEqual([]);
  expect(server.lease?.spec.holderIdentity).toBe('a');
});

test.each(['before', 'after'])(
  'released while it takes the lease, whose write comes %s that: it is nobody’s',
  async (when) => {
    const [server, clock] = [new OneLease(), new FakeClock()];
    const a = stand(server, 'a', clock);
    await settle();
    await a.election.release();
    const port = server.port('b', clock);
    const {replace} = port;
    // A call that is cut short may be on its way all the same.
    port.replace = (async (type, lease: Lease, options) => {
      port.replace = replace;
      if (when === 'before') await replace(type, lease);
      await new Promise((resolve) => options?.signal?.addEventListener('abort', resolve));
      if (when === 'after') clock.setTimeout(() => void replace(type, lease).catch(() => undefined), 500);
      throw new ApiError(0, 'Aborted', 'it was cut short');
    }) as typeof replace;
    const election = new LeaderElection(port, {namespace: 'ns', name: 'x', identity: 'b', clock});
    const ended = election.run({onStartedLeading: () => undefined, onStoppedLeading: () => undefined});
    await settle();
    expect(server.lease?.spec.holderIdentity).toBe(when === 'before' ? 'b' : '');
    await election.release();
    await ended;
    await clock.advance(1000);
    expect(server.lease?.spec.holderIdentity).toBe('');
  },
);

test('settings that would let two lead are refused', () => {
  const [server, clock] = [new OneLease(), new FakeClock()];
  const make = (): LeaderElection =>
    new LeaderElection(server.port('a', clock), {
      namespace: 'ns',
      name: 'x',
      identity: 'a',
      leaseDurationMs: 5000,
      renewDeadlineMs: 5000,
    });
  expect(make).toThrow('retryPeriodMs < renewDeadlineMs < leaseDurationMs');
});

import {expect, test} from 'vitest';
import {freshKey} from '../../../support/simulation/keys.ts';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {readRing, RING, type KeyRing} from '../../../../src/operator/desired/key-ring.ts';
import {ROTATE} from '../../../../src/operator/decide/key-finding.ts';
import {developmentSpec} from '../../../fixtures/specs.ts';
import {SimulatedServers} from '../../../support/simulation/servers.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SPEC = developmentSpec({
  replicas: 3,
  tokens: {algorithm: 'ES256', accessTTL: '10m'},
  signingKeys: {rotateEvery: '0s', jwksMaxAge: '3m'},
});

function ringOf(simulation: Simulation): KeyRing | undefined {
  const secret = simulation.api.get(RESOURCES.Secret, {namespace: 'prod', name: 'auth-signing-keys'});
  return readRing(secret?.metadata.annotations?.[RING]);
}

/** The next operator takes over the moment the ring says so. */
async function handOverWhen(simulation: Simulation, holds: (ring: KeyRing) => boolean): Promise<void> {
  const reached = (): boolean => {
    const ring = ringOf(simulation);
    return ring !== undefined && holds(ring);
  };
  expect(await simulation.time.run(30 * MINUTE, reached)).toBe(true);
  const {leader} = simulation;
  leader?.end();
  expect(await simulation.time.run(MINUTE, () => ![undefined, leader].includes(simulation.leader))).toBe(
    true,
  );
}

const isServed = ({keys}: KeyRing): boolean => keys.some(({servedSince}) => servedSince !== undefined);
const retires = ({keys}: KeyRing): boolean => keys.some(({retireAt}) => retireAt !== undefined);

test.each([
  ['ahead', [0, DAY]],
  ['behind', [0, -DAY]],
  ['ahead and behind', [DAY, -DAY]],
])(
  'operators whose clocks are a day %s hand over in every stage of a rotation, and nobody is locked out',
  async (_, [one, other]) => {
    const simulation = new Simulation(1);
    simulation.mintKey = freshKey;
    const servers = new SimulatedServers(simulation, {maxAgeSeconds: 180, tokenTTLSeconds: 600});
    simulation.askForKeys = servers;
    simulation.start({offsetMs: one ?? 0});
    await simulation.time.run(MINUTE, () => simulation.leader !== undefined);
    simulation.start({offsetMs: other ?? 0});
    simulation.spec(SPEC);
    expect(await simulation.settle()).toBe(true);
    const kids = (): string[] => (ringOf(simulation)?.keys ?? []).map(({kid}) => kid);
    const seen = kids();
    expect(seen).toHaveLength(1);
    for (const round of ['once', 'twice']) {
      simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[ROTATE]: round}}});
      await handOverWhen(simulation, isServed);
      await handOverWhen(simulation, retires);
      // At most the lifetime of a token, and a minute, longer than without a handover.
      const done = (): boolean => kids().length === 1;
      expect(await simulation.time.run(12 * MINUTE, done)).toBe(true);
      // Volumes follow.
      await simulation.time.run(2 * MINUTE);
      expect(kids()).toHaveLength(1);
      seen.push(...kids());
    }
    expect([...servers.broken]).toEqual([]);
    expect(new Set(seen).size).toBe(3);
    simulation.stopAll();
  },
  60_000,
);

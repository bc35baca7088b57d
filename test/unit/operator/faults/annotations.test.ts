import {expect, test, vi} from 'vitest';
import {freshKey} from '../../../support/simulation/keys.ts';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {readRing, RING} from '../../../../src/operator/desired/key-ring.ts';
import {ROTATE} from '../../../../src/operator/decide/key-finding.ts';
import {Random} from '../../../support/simulation/random.ts';
import {DEVELOPMENT, SPECS} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

/**
 * A person annotates the resource at the very moment at which the operator's n-th write arrives. The answer to a write of
 * its status then shows an annotation that the pass did not know, and the watch shows nothing that is newer.
 * @returns the request that the keys know of; undefined where there are fewer writes
 */
async function annotatedAt(n: number): Promise<{asked: string | undefined; known: string | undefined}> {
  const chance = new Random(1);
  const random = vi.spyOn(Math, 'random').mockImplementation(() => chance.next());
  const simulation = new Simulation(1);
  simulation.mintKey = freshKey;
  try {
    const operator = simulation.start();
    await simulation.time.run(60_000, () => operator.leading);
    simulation.spec(DEVELOPMENT);
    if (!(await simulation.settle())) throw new Error(`not ready at first: ${simulation.unrest()}`);
    let writes = 0;
    let asked: string | undefined;
    operator.client.beforeWrite = () => {
      if (++writes !== n) return;
      asked = `at write ${n}`;
      simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[ROTATE]: asked}}});
    };
    simulation.spec(SPECS[3] ?? {});
    // Less than the ten minutes after which everything is looked at again.
    expect(await simulation.settle(5 * 60_000)).toBe(true);
    const secret = simulation.api.get(RESOURCES.Secret, {namespace: 'prod', name: 'auth-signing-keys'});
    return {asked, known: readRing(secret?.metadata.annotations?.[RING])?.request};
  } finally {
    simulation.stopAll();
    random.mockRestore();
  }
}

test('an annotation that arrives together with a write is heard, whichever write it is', async () => {
  const heard: (string | undefined)[] = [];
  const all: string[] = [];
  for (let n = 1; n < 100; n++) {
    const {asked, known} = await annotatedAt(n);
    if (asked === undefined) break;
    all.push(asked);
    heard.push(known);
  }
  // Job, Deployment and status at the least.
  expect(all.length).toBeGreaterThan(3);
  expect(heard).toEqual(all);
});

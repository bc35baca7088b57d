// Twenty specs that are wrong, applied one after the other: each is refused at once, or the resource says SpecValid=False,
// with words that name the field and the remedy. The operator stays as it is, and other resources go on.
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {WRONG_SPECS, type WrongSpec} from '../fixtures/wrong-specs.ts';
import {apply, KubectlError, listObjects} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {ensureShared} from './support/fixtures.ts';
import {fraiseqlauth, NAME, runningInstance} from './support/instance.ts';
import {closeNetwork} from './support/network.ts';
import {createNamespace, ensureOperator, OPERATOR_NAMESPACE, removeNamespaces} from './support/operator.ts';
import {complains, conditionOf, isReady, ResourceWatch} from './support/watch.ts';

const namespace = 'e2e-wrong';
const others = 'e2e-others';
const watch = new ResourceWatch();

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  await createNamespace(namespace);
  watch.start();
});

afterAll(async () => {
  watch.close();
  closeNetwork();
  await removeNamespaces(namespace, others);
});

/** What a person is told who applies it: the API server's refusal, or what SpecValid=False says. */
async function told(wrong: WrongSpec, index: number): Promise<{by: WrongSpec['seenBy']; words: string}> {
  const name = wrong.name ?? `wrong-${index}`;
  const {apiVersion, kind} = fraiseqlauth(namespace) as Record<'apiVersion' | 'kind', string>;
  try {
    await apply([{apiVersion, kind, metadata: {name, namespace}, spec: wrong.spec}]);
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    return {by: 'server', words: error.stderr};
  }
  const resource = await watch.until(
    namespace,
    name,
    `refused: ${wrong.title}`,
    complains('SpecValid'),
    20_000,
  );
  const ready = conditionOf(resource, 'Ready');
  const valid = conditionOf(resource, 'SpecValid');
  return {
    by: 'operator',
    words: ready?.status === 'False' ? (valid?.message ?? '') : 'it is Ready all the same',
  };
}

async function operatorRestarts(): Promise<number> {
  const pods = await listObjects<{status: {containerStatuses?: {restartCount: number}[]}}>(
    'pods',
    OPERATOR_NAMESPACE,
  );
  return pods
    .flatMap(({status}) => status.containerStatuses ?? [])
    .reduce((sum, each) => sum + each.restartCount, 0);
}

test('there are twenty of them, and each names its field', () => {
  expect(WRONG_SPECS.length).toBeGreaterThanOrEqual(20);
});

test('each is refused with the field and the remedy; the operator and other resources go on', async () => {
  onTestFailed(dumpOnFailure('wrong-specs', namespace, others));
  const restarts = await operatorRestarts();
  const wanting: string[] = [];
  for (const [index, wrong] of WRONG_SPECS.entries()) {
    const {by, words} = await told(wrong, index);
    if (by !== wrong.seenBy || !words.includes(wrong.field) || !words.includes(wrong.remedy)) {
      wanting.push(`${wrong.title}: ${by} says: ${words}`);
    }
  }
  expect(wanting).toEqual([]);
  const late = WRONG_SPECS.filter(({seenBy}) => seenBy === 'operator').length;
  console.log(`${WRONG_SPECS.length} wrong specs: ${late} of them only the operator could see`);
  // Nothing was made for any of them.
  expect(await listObjects('deployments,jobs,services', namespace)).toEqual([]);

  await runningInstance(watch, others);
  expect(await operatorRestarts()).toBe(restarts);
  const ready = watch.latest(others, NAME);
  expect(ready !== undefined && isReady(ready)).toBe(true);
});

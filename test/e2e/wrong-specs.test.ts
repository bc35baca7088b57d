// Twenty specs that are wrong, applied one after the other: each is refused at once, or the resource says SpecValid=False,
// with words that name the field and the remedy. The operator stays as it is, and other resources go on.
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {WRONG_SPECS} from '../fixtures/wrong-specs.ts';
import {apply, kubectl, KubectlError, listObjects} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {ensureShared} from './support/fixtures.ts';
import {fraiseqlauth, NAME, runningInstance} from './support/instance.ts';
import {createNamespace, ensureOperator, OPERATOR_NAMESPACE} from './support/operator.ts';
import {complains, conditionOf, isReady, ResourceWatch} from './support/watch.ts';

const namespace = 'e2e-wrong';
const others = 'e2e-others';
const watch = new ResourceWatch();

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  await createNamespace(namespace);
  watch.start();
}, 240_000);

afterAll(async () => {
  watch.close();
  await kubectl(['delete', 'namespace', namespace, others, '--wait=false', '--ignore-not-found']);
});

/** What kubectl answered: the refusal, or undefined where it took the resource. */
async function refusal(resource: object): Promise<string | undefined> {
  try {
    await apply([resource]);
    return undefined;
  } catch (error) {
    if (error instanceof KubectlError) return error.stderr;
    throw error;
  }
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
  const taken: string[] = [];
  for (const [index, wrong] of WRONG_SPECS.entries()) {
    const name = `wrong-${index}`;
    const base = fraiseqlauth(namespace) as {spec: object};
    const said = await refusal({
      ...base,
      metadata: {name, namespace},
      spec: wrong.spec,
    });
    if (said === undefined) {
      const resource = await watch.until(
        namespace,
        name,
        `refusing ${wrong.title}`,
        complains('SpecValid', wrong.field, wrong.remedy),
        20_000,
      );
      expect(conditionOf(resource, 'Ready')?.status).not.toBe('True');
      taken.push(wrong.title);
    } else {
      expect(said, wrong.title).toContain(wrong.field);
      expect(said, wrong.title).toMatch(wrong.remedy);
    }
  }
  console.log(
    `${WRONG_SPECS.length} wrong specs: ${WRONG_SPECS.length - taken.length} refused by the API server, ${taken.length} by SpecValid=False`,
  );
  // Nothing was made for any of them.
  expect(await listObjects('deployments,jobs,services', namespace)).toEqual([]);

  await runningInstance(watch, others);
  expect(await operatorRestarts()).toBe(restarts);
  const ready = watch.latest(others, NAME);
  expect(ready !== undefined && isReady(ready)).toBe(true);
}, 180_000);

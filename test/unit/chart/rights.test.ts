import {expect, test} from 'vitest';
import {OPERATOR_RULES} from '../../../scripts/generate/rbac.ts';
import type {Step} from '../../../src/operator/decide/decision.ts';
import {productionSpec} from '../../fixtures/specs.ts';
import {World} from '../operator/world.ts';

const WRITES: ReadonlySet<string> = new Set(['create', 'patch', 'update', 'delete']);
/** Rights over children that no step needs: see the rules. */
const UNUSED = ['delete deployments', 'delete services'];
/** Rights over what is no child. */
const OTHER = [
  'patch fraiseqlauths/status',
  'update fraiseqlauths/finalizers',
  'create events',
  'patch events',
];

/** What a step asks of the API server. */
function rightsFor(step: Step): string[] {
  switch (step.kind) {
    case 'mint':
      return ['create secrets'];
    case 'keys':
      return [step.secret === undefined ? 'create secrets' : 'patch secrets'];
    case 'apply':
      return ['create', 'patch'].map((verb) => `${verb} ${step.type.plural}`);
    case 'run':
      return ['create', ...(step.supersedes ? ['delete'] : [])].map((verb) => `${verb} ${step.type.plural}`);
    case 'own':
    case 'patch':
      return [`patch ${step.type.plural}`];
    case 'delete':
      return [`delete ${step.type.plural}`];
    default:
      return step satisfies never;
  }
}

test('the operator may do what its steps ask for, and nothing else but what is named here', () => {
  const world = new World(productionSpec());
  const asked = new Set<string>(OTHER);
  const look = (): void => {
    for (const step of world.decide().steps) for (const right of rightsFor(step)) asked.add(right);
    world.pass();
  };
  look();
  world.look();
  world.completeJob();
  look();
  world.rollOut();
  look();
  world.change({tokens: {algorithm: 'ES256'}});
  look();
  // A Job that has lost its label, sections that go, and a configuration that no pod uses any more.
  const {job} = world;
  if (job === undefined) throw new Error('there is no migration Job');
  const id = `Job/${job.metadata.name}`;
  world.children.set(id, {...job, metadata: {...job.metadata, labels: {}}});
  look();
  world.change({
    replicas: 1,
    backup: {policy: 'None'},
    image: 'registry.test/other:2.0.0',
    providers: [{...(world.spec['providers'] as object[])[0], displayName: 'Staff'}],
  });
  look();
  world.completeJob();
  look();
  world.rollOut();
  look();
  look();
  const may = OPERATOR_RULES.flatMap(({resources, verbs}) =>
    resources.flatMap((plural) =>
      verbs.filter((verb) => WRITES.has(verb)).map((verb) => `${verb} ${plural}`),
    ),
  );
  expect(may.toSorted()).toEqual([...asked, ...UNUSED].toSorted());
});

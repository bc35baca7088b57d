import {RESOURCES, type ResourceType} from '../../../src/kube/objects.ts';
import {developmentSpec, productionSpec, provider} from '../../fixtures/specs.ts';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {readRing, RING} from '../../../src/operator/desired/key-ring.ts';
import {APPROVE} from '../../../src/operator/plan/approval.ts';
import {PROVING} from './proving.ts';
import {LONG_MS, type Scenario} from './scenario.ts';
import type {Simulation} from './simulation.ts';

/** From one to the other the public URL moves, so that each lists both. */
const previousIssuers = ['http://localhost:8000', 'https://api.example.com'];
const development = (more: Record<string, unknown>) => developmentSpec({previousIssuers, ...more});
const production = (more: Record<string, unknown>) => productionSpec({previousIssuers, ...more});

const tokens = {algorithm: 'ES256'};
const s3 = {destination: {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}}};

export const DEVELOPMENT = development({tokens});
const PRODUCTION = production({tokens, backup: s3});

/** Specs to go from and to. */
export const SPECS: readonly Record<string, unknown>[] = [
  DEVELOPMENT,
  PRODUCTION,
  development({tokens, providers: [provider(), provider({name: 'second', type: 'OIDC'})]}),
  development({tokens: {...tokens, accessTTL: '30m'}, replicas: 2}),
  development({tokens, image: 'registry.test/other:2.0.0'}),
  production({tokens, backup: {policy: 'None'}, replicas: 4}),
  production({tokens, backup: s3, autoscaling: {minReplicas: 2, maxReplicas: 6}}),
  production({tokens, backup: {...s3, schedule: '@hourly'}, image: 'registry.test/other:2.0.0'}),
];

const SHORT = {accessTTL: '5m'};
const wrong = {'database-url': 'postgres://app:wrong@db/auth'};
const right = {'database-url': 'postgres://app:secret@db/auth'};

/** What the operator is killed in, at each of its writes. */
export const SCENARIOS: readonly Scenario[] = [
  {name: 'create', happens: (simulation) => simulation.spec(PRODUCTION)},
  {
    name: 'spec change',
    before: [DEVELOPMENT],
    happens: (simulation) =>
      simulation.spec(
        development({
          tokens: {...tokens, accessTTL: '30m'},
          replicas: 2,
          providers: [provider({displayName: 'Staff'})],
        }),
      ),
  },
  {name: 'sections come', before: [DEVELOPMENT], happens: (simulation) => simulation.spec(PRODUCTION)},
  {name: 'sections go', before: [PRODUCTION], happens: (simulation) => simulation.spec(DEVELOPMENT)},
  {
    name: 'another key algorithm, until the last token of the old one has expired',
    before: [development({tokens: {...tokens, ...SHORT}})],
    happens: (simulation) => simulation.spec(development({tokens: {algorithm: 'EdDSA', ...SHORT}})),
    done: (simulation) => simulation.isReady() && algorithms(simulation).join() === 'EdDSA',
  },
  {
    name: 'Secret change',
    before: [DEVELOPMENT],
    happens: (simulation) =>
      simulation.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'another'}),
  },
  {
    name: 'migration',
    before: [DEVELOPMENT],
    happens: (simulation) => simulation.secret('auth-db', {'database-url': 'postgres://app:secret@new/auth'}),
  },
  {
    name: 'migration that fails and is tried again',
    before: [DEVELOPMENT],
    async happens(simulation) {
      simulation.secret('auth-db', wrong);
      // The first is that of the creation.
      await simulation.time.run(LONG_MS, () => migrations(simulation) === 3);
      simulation.secret('auth-db', right);
    },
    done: (simulation) => simulation.isReady() && simulation.api.list('jobs').length === 1,
  },
  {
    name: 'children deleted',
    before: [PRODUCTION],
    happens(simulation) {
      for (const [type, name] of CHILDREN) simulation.delete(type, name);
    },
    done: (simulation) =>
      simulation.isReady() && CHILDREN.every(([type, name]) => there(simulation, type, name)),
  },
  {
    name: 'own Secrets deleted',
    before: [DEVELOPMENT],
    happens(simulation) {
      for (const name of OWN_SECRETS) simulation.delete(RESOURCES.Secret, name);
    },
    done: (simulation) =>
      simulation.isReady() && OWN_SECRETS.every((name) => there(simulation, RESOURCES.Secret, name)),
  },
  {
    name: 'resource deleted',
    before: [PRODUCTION],
    happens: (simulation) => simulation.delete(FRAISEQLAUTH, 'auth'),
    done: (simulation) => simulation.resource === undefined && simulation.belongings().length === 0,
  },
  {
    name: 'resource deleted and made anew',
    before: [DEVELOPMENT],
    happens(simulation) {
      simulation.delete(FRAISEQLAUTH, 'auth');
      simulation.spec(DEVELOPMENT);
    },
  },
  {
    name: 'plan of a creation let through',
    async happens(simulation) {
      simulation.spec(production({tokens, backup: s3, management: 'Plan'}));
      await letThrough(simulation);
    },
    done: (simulation) => isDone(simulation),
  },
  {
    name: 'plan of a change let through',
    before: [PRODUCTION],
    async happens(simulation) {
      const image = 'registry.test/other:2.0.0';
      simulation.spec(
        development({tokens: {...tokens, accessTTL: '30m'}, replicas: 2, image, management: 'Plan'}),
      );
      await letThrough(simulation);
    },
    done: (simulation) => isDone(simulation),
  },
  {
    name: 'plan of falling asleep let through',
    before: [PRODUCTION],
    async happens(simulation) {
      simulation.spec(production({tokens, backup: s3, management: 'Plan', runState: 'Hibernated'}));
      await letThrough(simulation);
    },
    done: (simulation) => isDone(simulation, false),
  },
  ...PROVING,
];

/** As a person does: waits for the plan of the newest spec, and lets it through; and so again when it becomes another. */
async function letThrough(simulation: Simulation): Promise<void> {
  const plan = (): string | undefined => {
    const {metadata, status} = simulation.resource ?? {};
    return status?.observedGeneration === metadata?.generation ? status?.plan?.hash : undefined;
  };
  await simulation.time.run(LONG_MS, () => plan() !== undefined);
  const approve = (): void => {
    const hash = plan();
    if (hash !== undefined && simulation.resource?.metadata.annotations?.[APPROVE] !== hash)
      simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: hash}}});
    simulation.time.after(60_000, approve);
  };
  approve();
}

function isDone(simulation: Simulation, ready = true): boolean {
  const {hash, approved} = simulation.resource?.status?.plan ?? {};
  const made = hash === undefined && approved !== undefined && approved.changes === undefined;
  return made && simulation.isReady() === ready;
}

/** Made once: another one is another key. */
export const OWN_SECRETS = ['auth-signing-keys', 'auth-state'] as const;

/** The other children by type and name, those with a hash in theirs left out. */
export const CHILDREN = [
  [RESOURCES.ServiceAccount, 'auth'],
  [RESOURCES.Deployment, 'auth'],
  [RESOURCES.Service, 'auth'],
  [RESOURCES.PodDisruptionBudget, 'auth'],
  [RESOURCES.HorizontalPodAutoscaler, 'auth'],
  [RESOURCES.CronJob, 'auth-backup'],
  [RESOURCES.ServiceAccount, 'auth-backup'],
] as const;

function there(simulation: Simulation, type: ResourceType, name: string): boolean {
  return simulation.api.get(type, {namespace: 'prod', name}) !== undefined;
}

/** Those of the signing keys that there are. */
function algorithms({api}: Simulation): string[] {
  const secret = api.get(RESOURCES.Secret, {namespace: 'prod', name: OWN_SECRETS[0]});
  return readRing(secret?.metadata.annotations?.[RING])?.keys.map(({algorithm}) => algorithm) ?? [];
}

/** How many migrations have ended. */
function migrations(simulation: Simulation): number {
  return simulation.api.writes.filter(
    ({kind, verb, by}) => kind === 'Job' && verb === 'update' && by === 'controllers',
  ).length;
}

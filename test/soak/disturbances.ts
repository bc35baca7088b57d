import {FRAISEQLAUTH} from '../../src/api/v1alpha1/group-version.ts';
import {isApiError, type KubeClient} from '../../src/kube/client.ts';
import {RESOURCES, type ObjectKey} from '../../src/kube/objects.ts';
import type {Stored} from '../support/fraiseqlauths.ts';
import type {Random} from '../support/simulation/random.ts';

/** One thing that somebody does to a resource, its children or its Secrets. */
type Disturbance = (client: KubeClient, key: Required<ObjectKey>, random: Random) => Promise<void>;

const CHILDREN = [
  [RESOURCES.ServiceAccount, ''],
  [RESOURCES.Service, ''],
  [RESOURCES.Deployment, ''],
  [RESOURCES.HorizontalPodAutoscaler, ''],
  [RESOURCES.PodDisruptionBudget, ''],
  [RESOURCES.CronJob, '-backup'],
  [RESOURCES.ServiceAccount, '-backup'],
] as const;

const S3 = {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}};

/** Changes of a spec, as merge patches; what one sets another may take away. */
const SPECS: readonly ((random: Random) => Record<string, unknown>)[] = [
  (random) => ({logging: {level: random.pick(['debug', 'info', 'warn'])}}),
  (random) => ({tokens: {accessTTL: random.pick(['15m', '30m', '1h'])}}),
  (random) => ({replicas: null, autoscaling: {minReplicas: 2, maxReplicas: 3 + random.below(3)}}),
  (random) => ({autoscaling: null, replicas: 1 + random.below(3)}),
  (random) => ({backup: {policy: null, destination: S3, schedule: random.pick(['@daily', '30 1 * * *'])}}),
  () => ({backup: {policy: 'None', destination: null, schedule: null}}),
];

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  'spec edits': async (client, key, random) => {
    await client.mergePatch(FRAISEQLAUTH, key, {spec: random.pick(SPECS)(random)});
  },
  'children deleted': async (client, key, random) => {
    const [type, suffix] = random.pick(CHILDREN);
    await client.delete(type, {...key, name: `${key.name}${suffix}`});
  },
  'children edited': async (client, key, random) => {
    const [type, suffix] = random.pick(CHILDREN);
    const labels = {'app.kubernetes.io/name': 'edited', team: 'a'};
    await client.mergePatch(type, {...key, name: `${key.name}${suffix}`}, {metadata: {labels}});
  },
  'Secrets changed': async (client, {namespace}, random) => {
    const stringData = {'client-id': 'auth', 'client-secret': `hush-${random.below(1000)}`};
    await client.mergePatch(RESOURCES.Secret, {namespace, name: 'keycloak-client'}, {stringData});
  },
  'resources made anew': async (client, key) => {
    const live = await client.get<Stored>(FRAISEQLAUTH, key);
    if (live === undefined) return;
    await client.delete(FRAISEQLAUTH, key, {propagationPolicy: 'Background'});
    const {apiVersion, kind, spec} = live;
    await client.create(FRAISEQLAUTH, {apiVersion, kind, metadata: key, spec} as unknown as Stored);
  },
};

/** How often each comes, of all. */
const WEIGHTS: readonly string[] = [
  ...Array<string>(8).fill('spec edits'),
  ...Array<string>(6).fill('children deleted'),
  ...Array<string>(6).fill('children edited'),
  'Secrets changed',
  'resources made anew',
];

/** Does one of them; what is not there just now cannot be disturbed. */
export async function disturb(client: KubeClient, key: Required<ObjectKey>, random: Random): Promise<string> {
  const name = random.pick(WEIGHTS);
  try {
    await DISTURBANCES[name]?.(client, key, random);
  } catch (error) {
    if (!isApiError(error, 404) && !isApiError(error, 409)) throw error;
    return 'nothing there';
  }
  return name;
}

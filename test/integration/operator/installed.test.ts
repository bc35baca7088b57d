// The operator with the very rights and variables that an installation gives it, taken from what helm and kubectl have put
// into a real API server: it runs as the ServiceAccount of its Deployment, and may do what that one's roles say.
import {cp, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {parse, stringify} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {clusterTools, type Tool} from '../../support/cluster-tools.ts';
import {createNamespace, IMAGE} from '../../support/fraiseqlauths.ts';
import {startOperator, type OperatorProgram} from '../../support/operator-program.ts';
import {playControllers} from './controllers.ts';
import {createSecrets, eventually, fraiseqlauth, Observer, PRODUCTION} from './harness.ts';

const CHART = 'charts/fraiseql-auth-operator';
const OPERATOR = 'fraiseql-auth-operator';
const CRD = 'fraiseqlauths.auth.fraiseql.dev';

let server: TestApiServer;
let tool: Tool;
const running: {stop(): Promise<void>}[] = [];
beforeAll(async () => {
  server = await startApiServer();
  tool = await clusterTools(server.kubeconfigPath);
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()));
  await server.stop();
});

const settings = (...values: string[]) => values.flatMap((value) => ['--set', value]);
const install = (release: string, namespace: string, chart: string, ...more: string[]) =>
  tool(
    'helm',
    'upgrade',
    '--install',
    release,
    chart,
    '--namespace',
    namespace,
    '--create-namespace',
    ...more,
  );
const defined = () => tool('kubectl', 'wait', '--for=condition=Established', '--timeout=30s', `crd/${CRD}`);

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {readonly fieldRef: {readonly fieldPath: string}};
}
interface OperatorDeployment extends KubeObject {
  spec: {template: {spec: {serviceAccountName: string; containers: {env: Variable[]}[]}}};
}

/** The program as the kubelet would start it for the Deployment. */
async function start(name: string, namespace: string): Promise<OperatorProgram> {
  const deployment = await server.admin.get<OperatorDeployment>(RESOURCES.Deployment, {namespace, name});
  if (deployment === undefined) throw new Error(`there is no Deployment ${namespace}/${name}`);
  const {serviceAccountName, containers} = deployment.spec.template.spec;
  const fields: Record<string, string> = {'metadata.name': `${name}-0`, 'metadata.namespace': namespace};
  const env = Object.fromEntries(
    (containers[0]?.env ?? [])
      // The ports are the machine's own here.
      .filter((each) => !each.name.endsWith('_PORT'))
      .map((each) => [each.name, each.value ?? fields[each.valueFrom?.fieldRef.fieldPath ?? ''] ?? '']),
  );
  const kubeconfig = join(server.directory, `${namespace}-${name}.json`);
  const token = await tool('kubectl', 'create', 'token', serviceAccountName, '-n', namespace);
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(token.trim())));
  const program = await startOperator(kubeconfig, IMAGE, env);
  running.push({
    async stop() {
      program.process.kill('SIGKILL');
      await program.ended();
    },
  });
  return program;
}

function kubeconfigOf(token: string): object {
  const cluster = {server: server.url, 'certificate-authority': server.caPath};
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    clusters: [{name: 'x', cluster}],
    users: [{name: 'x', user: {token}}],
    contexts: [{name: 'x', context: {cluster: 'x', user: 'x'}}],
  };
}

/** A namespace with the Secrets of an instance, whose Jobs and Deployments come to their end. */
async function team(name: string): Promise<Observer> {
  if ((await server.admin.get(RESOURCES.Namespace, {name})) === undefined)
    await createNamespace(server.admin, name);
  await createSecrets(server.admin, name);
  const see = new Observer(server.admin, name);
  running.push(playControllers(see));
  return see;
}

const isReady = (see: Observer) => eventually(async () => (await see.condition('Ready')).status === 'True');

test("a definition that kubectl applied is refused by the chart, until it is the release's", async () => {
  await tool('kubectl', 'apply', '--server-side', '-k', 'config/crd');
  await defined();
  await expect(install(OPERATOR, 'adopts', CHART)).rejects.toThrow(/invalid ownership metadata/);
  await tool('kubectl', 'label', 'crd', CRD, 'app.kubernetes.io/managed-by=Helm');
  const owner = [`meta.helm.sh/release-name=${OPERATOR}`, 'meta.helm.sh/release-namespace=adopts'];
  await tool('kubectl', 'annotate', 'crd', CRD, ...owner);
  await install(OPERATOR, 'adopts', CHART);
  await tool('helm', 'uninstall', OPERATOR, '--namespace', 'adopts');

  await expect(install('other', 'adopts', CHART)).rejects.toThrow(/invalid ownership metadata/);
  await install('other', 'adopts', CHART, '--take-ownership');
  await install('other', 'adopts', CHART);
  await tool('helm', 'uninstall', 'other', '--namespace', 'adopts');
  expect(await tool('kubectl', 'get', 'crd', '-o', 'name')).toContain(CRD);
  await tool('kubectl', 'delete', 'crd', CRD);
});

test('an upgrade brings the definition along: what was stored stays, what is new is taken', async () => {
  const older = join(server.directory, 'older-chart');
  await cp(CHART, older, {recursive: true});
  const template = join(older, 'templates/crds.yaml');
  const text = await readFile(template, 'utf8');
  const definition = parse(text.replaceAll(/^\{\{.*\}\}$/gm, '')) as {
    spec: {versions: {schema: {openAPIV3Schema: {properties: {spec: {properties: object}}}}}[]};
  };
  const fields = definition.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties ?? {};
  expect(Reflect.deleteProperty(fields, 'restartToken')).toBe(true);
  await writeFile(template, `${text.split('\n', 1)[0] ?? ''}\n${stringify(definition)}`);

  const see = await team('upgraded');
  const values = settings('watchNamespaces={upgraded}');
  await install(OPERATOR, 'upgrades', older, ...values);
  await defined();
  const token = {spec: {restartToken: 'once'}};
  const key = {namespace: 'upgraded', name: 'auth'};
  await eventually(async () => {
    await server.admin.create(FRAISEQLAUTH, fraiseqlauth('upgraded', token.spec));
  });
  const {uid} = (await see.resource()).metadata;
  expect((await see.resource())['spec'], 'the older one does not know it').not.toHaveProperty('restartToken');

  await install(OPERATOR, 'upgrades', CHART, ...values);
  const program = await start(OPERATOR, 'upgrades');
  await isReady(see);
  await eventually(async () => {
    await server.admin.mergePatch(FRAISEQLAUTH, key, token);
    return (await see.resource())['spec'].restartToken === 'once';
  });
  expect((await see.resource()).metadata.uid).toBe(uid);
  await eventually(async () => (await see.resource()).status?.observedGeneration === 2);
  await isReady(see);
  expect(program.output()).not.toContain('Forbidden');
  await tool('helm', 'uninstall', OPERATOR, '--namespace', 'upgrades');
  expect((await see.resource()).metadata.uid, 'the resource outlives the release').toBe(uid);
});

test('two releases in one namespace, each for namespaces of its own: both work, and see no others', async () => {
  const [a, b, c] = [await team('team-a'), await team('team-b'), await team('team-c')];
  for (const namespace of ['team-a', 'team-b', 'team-c'])
    await server.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, PRODUCTION));
  const tenant = ['crds.install=false', 'rbac.aggregate=false'];
  for (const name of ['team-a', 'team-b'])
    await install(name, 'operators', CHART, ...settings(...tenant, `watchNamespaces={${name}}`));
  const first = await start('team-a-fraiseql-auth-operator', 'operators');
  const second = await start('team-b-fraiseql-auth-operator', 'operators');
  await Promise.all([isReady(a), isReady(b)]);
  expect((await c.resource()).status).toBeUndefined();
  const leases = await tool('kubectl', 'get', 'leases', '-n', 'operators', '-o', 'name');
  expect(leases.trim().split('\n')).toEqual([
    'lease.coordination.k8s.io/team-a-fraiseql-auth-operator',
    'lease.coordination.k8s.io/team-b-fraiseql-auth-operator',
  ]);
  for (const {output} of [first, second]) expect(output()).not.toContain('Forbidden');

  // A cluster that assigns user and group, found out later.
  const ids = async () =>
    (await tool('kubectl', 'get', 'deployment,cronjob', '-n', 'team-b', '-o', 'yaml')).match(
      /\b(runAsUser|runAsGroup|fsGroup): 65532/g,
    )?.length ?? 0;
  expect(await ids()).toBe(6);
  await install('team-b', 'operators', CHART, '--reuse-values', ...settings('podIds=assigned'));
  second.process.kill('SIGTERM');
  expect(await second.ended()).toBe('0');
  const third = await start('team-b-fraiseql-auth-operator', 'operators');
  await eventually(async () => (await ids()) === 0);
  await isReady(b);
  expect(third.output()).not.toContain('Forbidden');
});

test('config/namespaced: for the namespace that it runs in', async () => {
  const namespace = 'fraiseql-auth-system';
  await tool('kubectl', 'apply', '--server-side', '-k', 'config/namespaced');
  const [here, elsewhere] = [await team(namespace), await team('elsewhere')];
  for (const each of [namespace, 'elsewhere'])
    await server.admin.create(FRAISEQLAUTH, fraiseqlauth(each, PRODUCTION));
  const program = await start(OPERATOR, namespace);
  await isReady(here);
  expect((await elsewhere.resource()).status).toBeUndefined();
  expect(program.output()).not.toContain('Forbidden');
  expect(await tool('kubectl', 'get', 'leases', '-n', namespace, '-o', 'name')).toBe(
    `lease.coordination.k8s.io/${OPERATOR}\n`,
  );
});

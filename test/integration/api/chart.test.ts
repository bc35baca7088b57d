import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {parse} from 'yaml';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {clusterTools, objects, type Tool} from '../../support/cluster-tools.ts';

// What people install, rendered by the real helm and kubectl and tried on a real API server.

const ROOT = join(import.meta.dirname, '../../..');
const CHART = join(ROOT, 'charts/fraiseql-auth-operator');
const NAMESPACE = 'fraiseql-auth-system';
let api: TestApiServer;
let tool: Tool;

beforeAll(async () => {
  api = await startApiServer();
  tool = await clusterTools(api.kubeconfigPath);
});
afterAll(() => api.stop());

const render = async (...values: string[]) =>
  objects(
    await tool(
      'helm',
      'template',
      'fraiseql-auth-operator',
      CHART,
      `--namespace=${NAMESPACE}`,
      '--kube-version=1.34.0',
      ...values.flatMap((value) => ['--set', value]),
    ),
  );
const kustomize = async (directory: string) => objects(await tool('kubectl', 'kustomize', directory));

const kinds = (all: KubeObject[]) => all.map(({kind}) => kind).sort();
const find = (all: KubeObject[], kind: string, name?: string) =>
  all.find((each) => each.kind === kind && (name === undefined || each.metadata.name === name));

describe('the chart', () => {
  test('has no complaint from helm lint', async () => {
    expect(await tool('helm', 'lint', '--strict', CHART)).toContain('0 chart(s) failed');
  });

  test('installs the same as config/default', async () => {
    const [chart, config] = await Promise.all([render(), kustomize('config/default')]);
    expect(kinds(chart)).toEqual(kinds(config.filter(({kind}) => kind !== 'Namespace')));
    for (const kind of ['ClusterRole', 'Role', 'RoleBinding', 'ClusterRoleBinding']) {
      for (const each of config.filter((other) => other.kind === kind)) {
        const same = find(chart, kind, each.metadata.name);
        expect(same?.['rules']).toEqual(each['rules']);
        expect(same?.['roleRef']).toEqual(each['roleRef']);
        expect(same?.['subjects']).toEqual(each['subjects']);
      }
    }
    expect(find(chart, 'CustomResourceDefinition')?.['spec']).toEqual(
      find(config, 'CustomResourceDefinition')?.['spec'],
    );
    const pods = podSpec(find(chart, 'Deployment'));
    // A release tells its pods from those of another one.
    for (const {labelSelector} of pods.topologySpreadConstraints)
      delete labelSelector.matchLabels['app.kubernetes.io/instance'];
    expect(pods).toEqual(podSpec(find(config, 'Deployment')));
    const ports = (all: KubeObject[]) =>
      (find(all, 'Service')?.['spec'] as {ports?: unknown} | undefined)?.ports;
    expect(ports(chart)).toEqual(ports(config));
  });

  test('has a lease of its own, which its Role names', async () => {
    const all = objects(await tool('helm', 'template', 'team-a', CHART, '--namespace=operators'));
    const [container] = podSpec(find(all, 'Deployment')).containers;
    const name = 'team-a-fraiseql-auth-operator';
    expect(container?.env).toContainEqual({name: 'LEASE_NAME', value: name});
    const leases = {apiGroups: ['coordination.k8s.io'], resources: ['leases']};
    expect(find(all, 'Role', `${name}-leader`)?.['rules']).toEqual([
      {...leases, verbs: ['create']},
      {...leases, resourceNames: [name], verbs: ['get', 'update']},
    ]);
  });

  test('names no user and group where the cluster assigns them, and leaves out what is null', async () => {
    const assigned = podSpec(find(await render('podIds=assigned'), 'Deployment'));
    expect(assigned.securityContext).toEqual({runAsNonRoot: true, seccompProfile: {type: 'RuntimeDefault'}});
    expect(assigned.containers[0]?.env).toContainEqual({name: 'POD_IDS', value: 'assigned'});
    const other = podSpec(
      find(
        await render(
          'podSecurityContext.fsGroup=null',
          'podSecurityContext.runAsUser=1000',
          'securityContext=null',
        ),
        'Deployment',
      ),
    );
    expect(other.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 65532,
      seccompProfile: {type: 'RuntimeDefault'},
    });
    expect(other.containers[0]).not.toHaveProperty('securityContext');
  });

  test('keeps the resource definition when it goes', async () => {
    const definition = find(await render(), 'CustomResourceDefinition');
    expect(definition?.metadata.annotations).toEqual({'helm.sh/resource-policy': 'keep'});
    expect(kinds(await render('crds.install=false'))).not.toContain('CustomResourceDefinition');
  });

  test('for some namespaces it has no right elsewhere', async () => {
    const all = await render('watchNamespaces={a,b}');
    expect(kinds(all)).not.toContain('ClusterRoleBinding');
    const roles = all.filter(({kind, metadata}) => kind === 'Role' && !metadata.name.endsWith('-leader'));
    expect(roles.map(({metadata}) => metadata.namespace)).toEqual(['a', 'b']);
    const [container] = podSpec(find(all, 'Deployment')).containers;
    expect(container?.env).toContainEqual({name: 'WATCH_NAMESPACE', value: 'a,b'});
  });

  test('releases of one name in two namespaces meet nowhere', async () => {
    const [one, two] = await Promise.all(
      ['team-a', 'team-b'].map(async (namespace) => {
        const values = `crds.install=false,watchNamespaces={${namespace}}`;
        const release = ['auth', CHART, `--namespace=${namespace}`, '--set', values];
        return objects(await tool('helm', 'template', ...release)).map(
          ({kind, metadata}) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
        );
      }),
    );
    expect(one?.filter((each) => each.startsWith('ClusterRole'))).toHaveLength(2);
    expect(one?.filter((each) => two?.includes(each))).toEqual([]);
  });

  test('takes every repository that an image may come from', async () => {
    for (const repository of [
      'auth',
      'localhost/auth',
      '10.0.0.1:5000/a-b/c__d/e.f',
      '[fd00::1]:5000/auth',
    ]) {
      const [container] = podSpec(
        find(await render(`image.repository=${repository}`), 'Deployment'),
      ).containers;
      expect(container?.image).toMatch(`${repository}:`);
    }
  });

  test('takes a number for the name that it is', async () => {
    const named = [
      'priorityClassName=1000',
      'watchNamespaces={10042}',
      'serviceAccount.name=7',
      'nameOverride=8',
    ];
    const values = named.flatMap((value) => ['--set-string', value]);
    const all = objects(await tool('helm', 'template', '123', CHART, '--namespace=456', ...values));
    const pods = podSpec(find(all, 'Deployment'));
    expect(pods).toMatchObject({priorityClassName: '1000', serviceAccountName: '7'});
    expect(pods.containers[0]?.env).toContainEqual({name: 'WATCH_NAMESPACE', value: '10042'});
    const texts = all.flatMap(({metadata: {name, namespace = '', labels = {}}}) => [
      name,
      namespace,
      ...Object.values(labels),
    ]);
    expect(texts.filter((each) => typeof each !== 'string')).toEqual([]);
    expect(find(all, 'RoleBinding')?.['subjects']).toEqual([
      {kind: 'ServiceAccount', name: '7', namespace: '456'},
    ]);
  });

  test("for a tenant it makes nothing that is the whole cluster's", async () => {
    const all = await render('watchNamespaces={a}', 'crds.install=false', 'rbac.aggregate=false');
    expect(kinds(all).filter((kind) => /^(Cluster|Custom)/.test(kind))).toEqual([]);
    expect(new Set(all.map(({metadata}) => metadata.namespace))).toEqual(new Set(['a', NAMESPACE]));
  });

  test('the pods that it makes get the image that it has', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const [container] = podSpec(
      find(await render('image.repository=r.example.com/x', `image.digest=${digest}`), 'Deployment'),
    ).containers;
    expect(container?.image).toBe(`r.example.com/x@${digest}`);
    expect(container?.env).toContainEqual({name: 'OPERATOR_IMAGE', value: container?.image});
  });

  test.each([
    ['logLevel=loud', 'logLevel'],
    ['watchNamespaces={A}', 'watchNamespaces'],
    ['replica=2', 'replica'],
    ['podIds=1000', 'podIds'],
    ['serviceAccount.create=false', 'serviceAccount.name is needed'],
    ['serviceAccount.name=Auth', 'serviceAccount/name'],
    ['fullnameOverride=1auth', 'fullnameOverride'],
    ['nameOverride=my_auth', 'nameOverride'],
    ['image.repository=r.example.com/auth:0.1.0', 'image/repository'],
    ['image.repository=r.example.com/Auth', 'image/repository'],
    ['image.tag=v1/x', 'image/tag'],
  ])('refuses %s', async (value, named) => {
    await expect(render(value)).rejects.toThrow(named);
  });

  test('a cluster takes it, twice over', async () => {
    const install = ['upgrade', '--install', '--create-namespace', '--namespace', NAMESPACE];
    await tool('helm', ...install, 'fraiseql-auth-operator', CHART);
    const notes = await tool('helm', ...install, 'fraiseql-auth-operator', CHART, '--set', 'replicas=2');
    expect(notes).toContain('kubectl describe fqa dev');
    expect(notes).toContain('kubectl port-forward service/dev 8000:80');
    // As a shell reads what was copied: an indented EOF would not end it.
    const yaml = /<<EOF\n([^]*?)\nEOF\n/.exec(notes)?.[1] ?? '';
    const sample = parse(yaml) as KubeObject;
    expect(sample).toMatchObject({kind: 'FraiseQLAuth', spec: {profile: 'Development'}});
    expect(await tool('kubectl', 'get', 'fqa', '--all-namespaces')).toBe('');
    await tool('helm', 'uninstall', '--wait', '--namespace', NAMESPACE, 'fraiseql-auth-operator');
    expect(await tool('kubectl', 'get', 'crd', '-o', 'name')).toContain('fraiseqlauths');
  });

  test.each([
    ['7', 'metrics-7-fraiseql-auth-operator'],
    ['2026.auth', 'metrics-2026-auth-fraiseql-auth-operator'],
    ['team.a', 'team-a-fraiseql-auth-operator-metrics'],
    [`0${'a'.repeat(52)}`, `metrics-0${'a'.repeat(52)}-f`],
  ])('a cluster takes a release called %s', async (release, service) => {
    const to = ['--namespace', 'named'];
    await tool('helm', 'install', '--create-namespace', ...to, '--set', 'crds.install=false', release, CHART);
    const services = await tool('kubectl', 'get', 'services', ...to, '-o', 'name');
    expect(services.trim()).toBe(`service/${service}`);
    await tool('helm', 'uninstall', '--wait', ...to, release);
  });
});

describe('config/', () => {
  test.each(['config/default', 'config/namespaced', 'config/crd'])(
    'a cluster takes %s',
    async (directory) => {
      // A namespace of its own first: without it nothing in it can be tried out.
      await tool(
        'kubectl',
        'apply',
        '--server-side',
        '--force-conflicts',
        '-f',
        'config/manager/namespace.yaml',
      );
      const said = await tool('kubectl', 'apply', '--server-side', '--dry-run=server', '-k', directory);
      expect(said).toContain('serverside-applied');
    },
  );

  test('the operator learns its own image, whichever it is', async () => {
    for (const directory of ['config/default', 'config/namespaced']) {
      const [container] = podSpec(find(await kustomize(directory), 'Deployment')).containers;
      expect(container?.env).toContainEqual({name: 'OPERATOR_IMAGE', value: container?.image});
    }
  });

  test('for one namespace there is nothing of the whole cluster', async () => {
    const all = await kustomize('config/namespaced');
    expect(kinds(all).filter((kind) => kind.startsWith('Cluster') || kind.startsWith('Custom'))).toEqual([]);
    const [container] = podSpec(find(all, 'Deployment')).containers;
    expect(container?.env).toContainEqual({
      name: 'WATCH_NAMESPACE',
      valueFrom: {fieldRef: {fieldPath: 'metadata.namespace'}},
    });
  });

  test('the version is that of the package', async () => {
    const {version} = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {version: string};
    for (const directory of ['config/default', 'config/namespaced']) {
      expect(podSpec(find(await kustomize(directory), 'Deployment')).containers[0]?.image).toMatch(
        `:${version}`,
      );
    }
  });
});

interface PodSpec {
  securityContext?: object;
  topologySpreadConstraints: {labelSelector: {matchLabels: Record<string, string>}}[];
  containers: {image: string; imagePullPolicy?: string; env: object[]}[];
}
function podSpec(manifest: KubeObject | undefined): PodSpec {
  if (!manifest) throw new Error('there is no such manifest');
  const {template} = manifest['spec'] as {template: {spec: PodSpec}};
  // The chart says how to pull, which is what an image with a tag does anyway.
  for (const container of template.spec.containers) delete container.imagePullPolicy;
  return template.spec;
}

import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {parse, parseAllDocuments} from 'yaml';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';

// What people install, rendered by the real helm and kubectl and tried on a real API server.

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const CHART = join(ROOT, 'charts/fraiseql-auth-operator');
const NAMESPACE = 'fraiseql-auth-system';
let api: TestApiServer;
let path: string;

beforeAll(async () => {
  api = await startApiServer();
  await run(join(ROOT, 'test/cluster/install'), {maxBuffer: 64 << 20});
  const script = `source '${ROOT}/test/cluster/lib/common.sh' && printf %s "$HELM_DIR:$KUBERNETES_DIR"`;
  path = `${(await run('bash', ['-c', script])).stdout}:${process.env['PATH'] ?? ''}`;
});
afterAll(() => api.stop());

const tool = async (name: string, ...args: string[]) =>
  (
    await run(name, args, {
      cwd: ROOT,
      env: {...process.env, PATH: path, KUBECONFIG: api.kubeconfigPath},
      maxBuffer: 16 << 20,
    })
  ).stdout;

function objects(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((each) => each.toJS() as KubeObject | null)
    .filter((each) => each !== null);
}
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
    expect(podSpec(find(chart, 'Deployment'))).toEqual(podSpec(find(config, 'Deployment')));
    const ports = (all: KubeObject[]) =>
      (find(all, 'Service')?.['spec'] as {ports?: unknown} | undefined)?.ports;
    expect(ports(chart)).toEqual(ports(config));
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
    ['serviceAccount.create=false', 'serviceAccount.name is needed'],
  ])('refuses %s', async (value, named) => {
    await expect(render(value)).rejects.toThrow(named);
  });

  test('a cluster takes it, twice over', async () => {
    const install = ['upgrade', '--install', '--create-namespace', '--namespace', NAMESPACE];
    await tool('helm', ...install, 'fraiseql-auth-operator', CHART);
    const notes = await tool('helm', ...install, 'fraiseql-auth-operator', CHART, '--set', 'replicas=2');
    expect(notes).toContain('kubectl describe fqa dev');
    const yaml = /<<EOF\n([^]*?)\n\s*EOF/.exec(notes)?.[1] ?? '';
    const sample = parse(yaml) as KubeObject;
    expect(sample).toMatchObject({kind: 'FraiseQLAuth', spec: {profile: 'Development'}});
    expect(await tool('kubectl', 'get', 'fqa', '--all-namespaces')).toBe('');
    await tool('helm', 'uninstall', '--wait', '--namespace', NAMESPACE, 'fraiseql-auth-operator');
    expect(await tool('kubectl', 'get', 'crd', '-o', 'name')).toContain('fraiseqlauths');
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
  containers: {image: string; imagePullPolicy?: string; env: object[]}[];
}
function podSpec(manifest: KubeObject | undefined): PodSpec {
  if (!manifest) throw new Error('there is no such manifest');
  const {template} = manifest['spec'] as {template: {spec: PodSpec}};
  // The chart says how to pull, which is what an image with a tag does anyway.
  for (const container of template.spec.containers) delete container.imagePullPolicy;
  return template.spec;
}

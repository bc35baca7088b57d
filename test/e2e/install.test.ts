// The operator from config/, as `kubectl apply -k` installs it, and then by Helm, which all other tests use.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {join, relative} from 'node:path';
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {apply, kubectl, KubectlError, listObjects, rolledOut, secret} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {fraiseqlauth, NAME} from './support/instance.ts';
import {
  createNamespace,
  IMAGE,
  installWithHelm,
  OPERATOR,
  OPERATOR_NAMESPACE,
  uninstallHelm,
} from './support/operator.ts';
import {complains, ResourceWatch} from './support/watch.ts';

const namespace = 'e2e-config';
const watch = new ResourceWatch();
let overlay = '';

beforeAll(async () => {
  await uninstallHelm();
  overlay = await mkdtemp('build/config-overlay-');
  await writeFile(
    join(overlay, 'kustomization.yaml'),
    JSON.stringify(kustomization(relative(overlay, 'config/default'))),
  );
});

afterAll(async () => {
  watch.close();
  await rm(overlay, {recursive: true, force: true});
});

/** What a person writes who takes the image from elsewhere: config/default says so. */
function kustomization(base: string): object {
  const at = IMAGE.lastIndexOf(':');
  const deployment = {kind: 'Deployment', name: OPERATOR};
  const container = 'spec.template.spec.containers.[name=operator]';
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [base],
    images: [
      {name: 'ghcr.io/fraiseql/fraiseql-auth', newName: IMAGE.slice(0, at), newTag: IMAGE.slice(at + 1)},
    ],
    replacements: [
      {
        source: {...deployment, fieldPath: `${container}.image`},
        targets: [{select: deployment, fieldPaths: [`${container}.env.[name=OPERATOR_IMAGE].value`]}],
      },
    ],
  };
}

test('kubectl apply -k config/default installs an operator that reconciles, and delete takes it away', async () => {
  onTestFailed(dumpOnFailure('install-config', namespace));
  await kubectl(['apply', '--server-side', '-k', overlay]);
  await rolledOut(`deployment/${OPERATOR}`, OPERATOR_NAMESPACE);
  watch.start();
  await createNamespace(namespace);
  await secret(namespace, 'idp-client', {'client-id': 'x', 'client-secret': 'y'});
  await apply([fraiseqlauth(namespace)]);
  expect(
    await kubectl(
      ['get', 'deployment', OPERATOR, '-o', 'jsonpath={..env[?(@.name=="OPERATOR_IMAGE")].value}'],
      {
        namespace: OPERATOR_NAMESPACE,
      },
    ),
  ).toBe(IMAGE);
  const missing = await watch.until(
    namespace,
    NAME,
    'naming the Secret',
    complains('SecretsResolved', 'auth-db'),
  );
  expect(missing.status?.observedGeneration).toBe(1);

  await kubectl(['delete', 'fqa', '--all'], {namespace});
  watch.close();
  await kubectl(['delete', '-k', overlay, '--ignore-not-found'], {timeoutMs: 150_000});
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await expect(kubectl(['get', 'fraiseqlauths', '-A'])).rejects.toThrow(
    /the server doesn't have a resource type|could not find the requested resource/,
  );
});

test('helm install brings it up under the restricted Pod Security Standard, with no right that it does not need', async () => {
  onTestFailed(dumpOnFailure('install-helm'));
  await installWithHelm();
  await rolledOut(`deployment/${OPERATOR}`, OPERATOR_NAMESPACE);
  await expect(
    kubectl(['run', 'anything', '--image=x', '--dry-run=server'], {namespace: OPERATOR_NAMESPACE}),
  ).rejects.toThrow(/violates PodSecurity "restricted/);
  const pods = await listObjects<{spec: {serviceAccountName: string}}>('pods', OPERATOR_NAMESPACE);
  expect(pods.map(({spec}) => spec.serviceAccountName)).toEqual(pods.map(() => OPERATOR));
  const user = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR}`;
  const can = async (verb: string, resource: string): Promise<string> => {
    try {
      return (await kubectl(['auth', 'can-i', verb, resource, '-n', 'default', `--as=${user}`])).trim();
    } catch (error) {
      if (error instanceof KubectlError && error.code === 1) return 'no';
      throw error;
    }
  };
  expect(await can('patch', 'deployments.apps')).toBe('yes');
  expect(await can('get', 'secrets')).toBe('yes');
  for (const [verb, resource] of [
    ['create', 'pods/exec'],
    ['delete', 'secrets'],
    ['create', 'clusterroles.rbac.authorization.k8s.io'],
    ['patch', 'replicasets.apps'],
    ['delete', 'pods'],
    ['create', 'persistentvolumeclaims'],
    ['delete', 'fraiseqlauths.auth.fraiseql.dev'],
    ['update', 'fraiseqlauths.auth.fraiseql.dev'],
  ] as const) {
    expect(await can(verb, resource), `${verb} ${resource}`).toBe('no');
  }
});

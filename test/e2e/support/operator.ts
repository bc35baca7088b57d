// Installing the operator, in the two ways that the documentation names.
import {ensure, helm, kubectl, KubectlError, rolledOut} from '../../support/kubectl.ts';

export const OPERATOR_NAMESPACE = 'fraiseql-auth-system';
export const OPERATOR = 'fraiseql-auth-operator';
export const IMAGE = process.env['IMAGE'] ?? 'localhost/fraiseql-auth:dev';

/**
 * `helm upgrade --install`, as the README has it, with the image that was just built, into a namespace that takes nothing
 * but what meets the restricted standard. Does nothing twice.
 */
export async function installWithHelm(): Promise<void> {
  const [repository, tag] = splitImage(IMAGE);
  await createNamespace(OPERATOR_NAMESPACE);
  await helm(
    [
      'upgrade',
      '--install',
      OPERATOR,
      'charts/fraiseql-auth-operator',
      '--set',
      `image.repository=${repository},image.tag=${tag}`,
      '--wait',
      '--timeout=120s',
    ],
    {namespace: OPERATOR_NAMESPACE, timeoutMs: 130_000},
  );
}

/** The operator by Helm, unless it is there already. */
export async function ensureOperator(): Promise<void> {
  try {
    await kubectl(['get', 'deployment', OPERATOR], {namespace: OPERATOR_NAMESPACE});
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    await installWithHelm().catch(async (refused: unknown) => {
      // Another file has begun the same a moment before.
      const begun = refused instanceof KubectlError && /already exists|in progress/.test(refused.stderr);
      if (!begun) throw refused;
      await kubectl(['wait', '--for=create', `deployment/${OPERATOR}`, '--timeout=120s'], {
        namespace: OPERATOR_NAMESPACE,
        timeoutMs: 130_000,
      });
    });
  }
  await rolledOut(`deployment/${OPERATOR}`, OPERATOR_NAMESPACE);
}

/** Takes the release away, and what Helm leaves: the resource definitions and the namespace. */
export async function uninstallHelm(): Promise<void> {
  await helm(['uninstall', OPERATOR, '--ignore-not-found', '--wait', '--timeout=60s'], {
    namespace: OPERATOR_NAMESPACE,
    timeoutMs: 70_000,
  });
  await kubectl(['delete', 'crd', 'fraiseqlauths.auth.fraiseql.dev', '--ignore-not-found']);
  await kubectl(['delete', 'namespace', OPERATOR_NAMESPACE, '--ignore-not-found'], {timeoutMs: 240_000});
}

export async function createNamespace(name: string): Promise<void> {
  await ensure([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {name, labels: {'pod-security.kubernetes.io/enforce': 'restricted'}},
    },
  ]);
}

/**
 * Begins to remove namespaces. Their FraiseQLAuths go first: in a namespace that is being emptied an operator would see
 * one child after the other go.
 */
export async function removeNamespaces(...names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await Promise.all(names.map((namespace) => kubectl(['delete', 'fraiseqlauths', '--all'], {namespace})));
  await kubectl(['delete', 'namespace', ...names, '--wait=false', '--ignore-not-found']);
}

function splitImage(image: string): [string, string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}

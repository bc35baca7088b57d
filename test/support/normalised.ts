import type {KubeClient} from '../../src/kube/client.ts';
import type {KubeObject} from '../../src/kube/objects.ts';
import {CHILD_TYPES} from '../../src/operator/observe/scope.ts';

/** What a resource itself owns: not what its Deployment makes. */
export const OWNED_TYPES = CHILD_TYPES.filter(({kind}) => kind !== 'ReplicaSet' && kind !== 'Pod');

/** Every child in a namespace (or all of them), by the uid of the resource that owns it. */
export async function childrenByOwner(
  client: KubeClient,
  namespace?: string,
): Promise<Map<string, KubeObject[]>> {
  const labelSelector = 'app.kubernetes.io/managed-by=fraiseql-auth-operator';
  const lists = await Promise.all(
    OWNED_TYPES.map((type) => client.list<KubeObject>(type, {namespace, labelSelector})),
  );
  const found = new Map<string, KubeObject[]>();
  for (const object of lists.flatMap(({items}) => items)) {
    const owner = object.metadata.ownerReferences?.find((each) => each.kind === 'FraiseQLAuth');
    if (owner === undefined) continue;
    const known = found.get(owner.uid);
    if (known === undefined) found.set(owner.uid, [object]);
    else known.push(object);
  }
  return found;
}

/**
 * What a resource and its children come to, as lines of text without what chance, the server and history put into
 * them: uids, versions, addresses, hashes, keys, times, counts of tries, an autoscaler's number of pods. The labels
 * and annotations of others are none of it.
 */
export function normalised(
  resource: KubeObject,
  children: readonly KubeObject[],
  {jobs = true} = {},
): string[] {
  const scales = children.some((each) => each.kind === 'HorizontalPodAutoscaler');
  const status = resource['status'] as
    | {conditions?: {type: string; status: string; reason: string}[]; version?: unknown; blockedOn?: unknown}
    | undefined;
  return [
    ...children.filter((each) => jobs || each.kind !== 'Job').map((each) => line(each, scales)),
    ...(status?.conditions ?? [])
      // Whether one is due is a matter of time.
      .filter(({type}) => type !== 'BackupHealthy')
      .map((each) => `${each.type}=${each.status} ${each.reason}`),
    `version ${JSON.stringify(status?.version)}`,
    `blocked on ${JSON.stringify(status?.blockedOn)}`,
  ]
    .map((text) =>
      text
        .replaceAll(resource.metadata.uid ?? '', 'UID')
        .replaceAll(`${resource.metadata.namespace}`, 'NAMESPACE')
        .replaceAll(/(?<![\w-])[\w-]{43}(?![\w-])/g, 'KID')
        .replaceAll(/(?<![0-9a-z])[0-9a-f]{8,64}(?![0-9a-z])/g, 'HASH')
        .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID'),
    )
    .toSorted();
}

const GIVEN = ['clusterIP', 'clusterIPs', 'selector'];

function line(object: KubeObject, scales: boolean): string {
  const {kind, metadata, data, spec: given} = object;
  const ours = (all: Record<string, string> | undefined): Record<string, string> =>
    Object.fromEntries(
      Object.entries(all ?? {}).filter(
        ([name]) =>
          /kubernetes\.io|fraiseql\.dev/.test(name) &&
          !/attempt|generation|key-ring|deployment\.kubernetes\.io/.test(name),
      ),
    );
  const spec = {...(given as Record<string, unknown> | undefined)};
  for (const name of GIVEN) if (kind === 'Service' || kind === 'Job') delete spec[name];
  if (kind === 'Service') spec['selector'] = (given as {selector?: unknown}).selector;
  if (kind === 'Job') delete spec['template'];
  if (kind === 'Deployment' && scales) delete spec['replicas'];
  return JSON.stringify(
    {
      kind,
      name: metadata.name,
      labels: ours(metadata.labels),
      annotations: ours(metadata.annotations),
      spec,
      // Of a Secret only how much there is: what is in it was made by chance.
      data: kind === 'Secret' ? Object.keys(data ?? {}).length : data,
    },
    sorted,
  );
}

/** For JSON.stringify: keys in order. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

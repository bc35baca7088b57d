import type {KubeObject} from '../../../src/kube/objects.ts';
import type {Simulation} from './simulation.ts';

/**
 * All that was made for a resource, without what chance and history put into it: uids, hashes, keys, times, counts of
 * tries, and the number of pods where an autoscaler moves it.
 */
export function essence(simulation: Simulation, {jobs = true} = {}): Record<string, unknown> {
  const {resource} = simulation;
  const children = simulation.children().filter((each) => jobs || each.kind !== 'Job');
  const scales = children.some((each) => each.kind === 'HorizontalPodAutoscaler');
  const {status} = resource ?? {};
  const all = Object.fromEntries(
    children
      .map((each): [string, unknown] => [`${each.kind}/${each.metadata.name}`, bare(each, scales)])
      .concat([
        // Where an autoscaler moves their number, there may well be more.
        ['pods', scales ? undefined : simulation.service.ready],
        [
          'status',
          {
            conditions: status?.conditions
              // No backup is ever made here, so this one is a matter of time.
              ?.filter(({type}) => type !== 'BackupHealthy')
              .map((each) => `${each.type}=${each.status} ${each.reason}`),
            blockedOn: status?.blockedOn,
            version: status?.version,
            endpoints: status?.endpoints,
            keys: status?.signingKeys?.map((each) => each.state),
            schema: {current: status?.schema?.current, target: status?.schema?.target},
          },
        ],
      ]),
  );
  const text = JSON.stringify(all, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return JSON.parse(
    text
      .replaceAll(/\bu[0-9]+-[0-9]+\b/g, 'UID')
      .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/(?<![\w-])[\w-]{43}(?![\w-])/g, 'KID')
      .replaceAll(/(?<![0-9a-z])[0-9a-f]{8,64}(?![0-9a-z])/g, 'HASH')
      .replaceAll(/HASH-[0-9a-z]+/g, 'HASH-POD'),
  ) as Record<string, unknown>;
}

function bare(object: KubeObject, scales: boolean): unknown {
  const {metadata, status: _, data, ...rest} = object;
  const {labels, ownerReferences} = metadata;
  const annotations = {...metadata.annotations};
  delete annotations['auth.fraiseql.dev/attempt'];
  delete annotations['auth.fraiseql.dev/generation'];
  delete annotations['deployment.kubernetes.io/revision'];
  // How long tokens of before live on, and since when a key signs.
  delete annotations['auth.fraiseql.dev/key-ring'];
  const spec = {...(rest['spec'] as Record<string, unknown> | undefined)};
  if (scales && rest.kind === 'Deployment') delete spec['replicas'];
  return {
    ...rest,
    spec,
    metadata: {labels, annotations, ownerReferences},
    data: rest.kind === 'Secret' ? Object.keys(data ?? {}).length : data,
  };
}

/** The lines in which one differs from the other, for a person. */
export function difference(wanted: Record<string, unknown>, found: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...names].flatMap((name) => {
    const [a, b] = [wanted[name], found[name]].map((each) =>
      (JSON.stringify(each, null, 1) ?? '').split('\n'),
    );
    const less = (a ?? []).filter((line) => !b?.includes(line)).map((line) => `${name} - ${line.trim()}`);
    const more = (b ?? []).filter((line) => !a?.includes(line)).map((line) => `${name} + ${line.trim()}`);
    return [...less, ...more];
  });
}

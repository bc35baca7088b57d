import {keyOf, type KubeObject} from './objects.ts';

/** What is wanted of an object, and its hash. */
interface Wanted {
  readonly desired: KubeObject;
  readonly hash: string;
}

interface Settled {
  readonly hash: string;
  readonly versions: readonly (string | undefined)[];
}

// What an apply left behind is settled, even where it does not look like what was desired (the server or a webhook
// changes it): the same hash is not applied again over the versions it was applied over, or to the one that came out.
// Versions are never used twice, so one of them seen again is an old sight of the object.
const settledOf = new WeakMap<object, Map<string, Settled>>();
const MAX_SETTLED = 20_000;

/** Through that client, what is wanted was applied over all but the last of these versions of the object, and that one came out. */
export function settle(
  client: object,
  {desired, hash}: Wanted,
  versions: readonly (string | undefined)[],
): void {
  const settled = settledOf.get(client) ?? new Map<string, Settled>();
  settledOf.set(client, settled);
  const key = settledKey(desired);
  settled.delete(key);
  settled.set(key, {hash, versions});
  if (settled.size > MAX_SETTLED) settled.delete(settled.keys().next().value ?? '');
}

/** Whether just this was applied to, or over, the object as it is seen. */
export function isSettled(client: object, {desired, hash}: Wanted, live: KubeObject): boolean {
  const known = settledOf.get(client)?.get(settledKey(desired));
  const version = live.metadata.resourceVersion;
  return (
    known !== undefined && version !== undefined && known.hash === hash && known.versions.includes(version)
  );
}

function settledKey(object: KubeObject): string {
  return `${object.apiVersion} ${object.kind} ${keyOf(object)}`;
}

import {stamped} from './applied-hash.ts';
import {isConverged, merged, typeOf, wantedOf, type ApplyPort, type ChildApply} from './apply.ts';
import {ApiError, isApiError} from './errors.ts';
import type {KubeObject} from './objects.ts';

/** What applying an object would come to. */
export type Preview<T extends KubeObject> =
  | {readonly outcome: 'unchanged'; readonly hash: string}
  | {
      readonly outcome: 'created' | 'updated';
      /** The object before that; undefined where there is none. */
      readonly before: T | undefined;
      readonly after: T;
      readonly hash: string;
    };

/**
 * What `applyChild` would do, and what would come of it, as the server itself says: the same calls as a dry run, with
 * nothing stored. `foreseen` is the object as it will be by then, where something else is to happen to it first.
 *
 * Fields that are set `initially` and handed over are not: in the answer they may have the server's default.
 * @throws as `applyChild`
 */
export async function previewChild<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  foreseen?: T,
): Promise<Preview<T>> {
  const wanted = wantedOf(child.desired);
  const {hash} = wanted;
  const {fieldManager, initially, signal} = child;
  const known = foreseen ?? child.live;
  if (known !== undefined && isConverged(client, wanted, known)) return {outcome: 'unchanged', hash};
  const desired = stamped(wanted.desired, hash);
  const type = typeOf(child);
  const read = (): Promise<T | undefined> => client.get<T>(type, desired.metadata, {signal});

  let live = known === undefined ? undefined : await read();
  if (live === undefined) {
    try {
      const options = {fieldManager, strict: true, signal, dryRun: true};
      const after = await client.create(type, merged(desired, initially), options);
      return {outcome: foreseen === undefined ? 'created' : 'updated', before: foreseen, after, hash};
    } catch (error) {
      if (!isApiError(error, 409, 'AlreadyExists')) throw error;
      live = await read();
      if (live === undefined) throw cameAndWent(error);
    }
  }
  if (isConverged(client, wanted, live) && foreseen === undefined) return {outcome: 'unchanged', hash};
  const {uid} = live.metadata;
  const after = await client.apply<T>(
    type,
    {...desired, metadata: {...desired.metadata, ...(uid !== undefined && {uid})}},
    {fieldManager, force: true, signal, dryRun: true},
  );
  return {outcome: 'updated', before: foreseen ?? live, after, hash};
}

function cameAndWent(cause: unknown): ApiError {
  return new ApiError(409, 'Conflict', 'the object came and went while it was looked at', {cause});
}

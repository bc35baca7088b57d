import {FRAISEQLAUTH} from '../../api/v1alpha1/group-version.ts';
import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {bare} from '../../kube/bare.ts';
import {canonical} from '../../kube/canonical.ts';
import {isApiError, type KubeClient} from '../../kube/client.ts';
import type {EventRecorder} from '../../kube/events.ts';
import {keyOf, type KubeObject} from '../../kube/objects.ts';
import type {Logger} from '../../support/logging.ts';
import {MANAGER} from '../desired/children.ts';
import {transitions} from '../status/transitions.ts';
import {mergePatch} from './merge-patch.ts';
import type {Overlay} from '../observe/overlay.ts';

interface Context {
  readonly cluster: Pick<KubeClient, 'get' | 'jsonPatch'>;
  readonly overlay: Overlay;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly logger: Logger;
  readonly resource: FraiseQLAuth;
  readonly signal: AbortSignal;
}

/**
 * Writes the status where it differs from the resource's own, and records an event for each transition.
 * @returns true where somebody changed the resource since it was read: another pass has to look at it
 * @throws ApiError when the API server could not answer
 */
export async function writeStatus(
  {cluster, overlay, events, logger, resource, signal}: Context,
  status: FraiseQLAuthStatus,
): Promise<boolean> {
  if (mergePatch(resource.status ?? {}, status) === undefined) return false;
  const {name, namespace, uid} = resource.metadata;
  const key = keyOf({namespace, name});
  let written: FraiseQLAuth & KubeObject;
  try {
    written = await overlay.during(FRAISEQLAUTH.kind, key, async () => {
      const answer = bare(
        await cluster.jsonPatch<FraiseQLAuth & KubeObject>(
          FRAISEQLAUTH,
          {namespace, name},
          [
            // This very resource, not one that came in its place: of a status the server looks at no other precondition.
            {op: 'test', path: '/metadata/uid', value: uid},
            {op: 'add', path: '/status', value: status},
          ],
          {subresource: 'status', fieldManager: `${MANAGER}-status`, signal},
        ),
      );
      overlay.wrote(answer);
      return answer;
    });
  } catch (error) {
    // It went away while we looked at it. Which of its preconditions fails the server does not say.
    if (isApiError(error, 404)) return false;
    if (isApiError(error, 422)) {
      const now = await cluster.get<KubeObject>(
        FRAISEQLAUTH,
        {namespace, name},
        {signal, metadataOnly: true},
      );
      if (now?.metadata.uid !== uid) return false;
    }
    throw error;
  }
  for (const event of transitions(resource.status, status)) {
    logger.info({key, reason: event.reason}, event.message);
    events.record(resource, event.type, event.reason, event.message, 'Reconcile');
  }
  return isNews(written, resource);
}

/**
 * Whether somebody changed the resource between our reading and our writing it. The answer to the write then holds a
 * change that no pass has seen, and the watch announces nothing that is older than that answer. Annotations leave the
 * generation as it is.
 */
function isNews({metadata}: FraiseQLAuth, {metadata: known}: FraiseQLAuth): boolean {
  return (
    metadata.generation !== known.generation ||
    canonical(metadata.annotations ?? {}) !== canonical(known.annotations ?? {})
  );
}

import type {KubeObject} from './objects.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * An object without what is long and never read from memory: who manages which field (read live, where it matters),
 * and kubectl's copy of the object.
 */
export function bare<T extends KubeObject>(object: T): T {
  const {managedFields, annotations, ...metadata} = object.metadata;
  const copied = annotations !== undefined && LAST_APPLIED in annotations;
  if (managedFields === undefined && !copied) return object;
  if (annotations === undefined) return {...object, metadata};
  if (!copied) return {...object, metadata: {...metadata, annotations}};
  const {[LAST_APPLIED]: _, ...rest} = annotations;
  return {...object, metadata: {...metadata, annotations: rest}};
}

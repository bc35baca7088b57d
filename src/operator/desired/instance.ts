import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {type ResolvedSpec, resolveSpec} from '../../api/v1alpha1/resolve.ts';

/** One FraiseQLAuth, as every builder takes it: who it is, and what it says with nothing left open. */
export interface Instance {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly spec: ResolvedSpec;
  /** The cluster says as which user and group its pods run, as OpenShift does. */
  readonly assignedIds?: boolean | undefined;
}

/** The instance of a resource. Throws where its spec is not valid: run `checkSpec` first. */
export function instanceOf({metadata, spec}: Pick<FraiseQLAuth, 'metadata' | 'spec'>): Instance {
  return {name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, spec: resolveSpec(spec)};
}

import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {names} from '../desired/names.ts';
import {child, withChildren, type Observed} from '../observed.ts';
import type {Acted} from './act.ts';
import {keysIn} from '../key-view.ts';

/** What is known after the steps: objects as they were written, without those that are gone. */
export function after(observed: Observed, resource: FraiseQLAuth, acted: Acted): Observed {
  const next = withChildren(observed, acted.written);
  if (acted.written.length === 0 && acted.removed.length === 0) return observed;
  const children = new Map(next.children);
  for (const id of acted.removed) children.delete(id);
  const secret = child({...next, children}, 'Secret', names(resource.metadata).signingKeys);
  return {...next, children, signingKeys: keysIn(secret)};
}

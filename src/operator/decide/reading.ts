import {checkedSpec, type FieldError} from '../../api/v1alpha1/check.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {references, type Reference} from '../../api/v1alpha1/references.ts';
import {resolveDefaults, type ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {RecentMap} from '../../support/recent-map.ts';

interface Reading {
  readonly generation: number;
  readonly errors: readonly FieldError[];
  readonly spec: ResolvedSpec | undefined;
  readonly named: readonly Reference[];
}

// A pass asks several times, and the next one soon after: what rests is read again when it is looked at.
const readings = new RecentMap<string, Reading>(256);

/** The spec, checked and with every default in it; what it refers to; or what is wrong with it. */
export function reading(resource: FraiseQLAuth): Reading {
  const {uid, generation} = resource.metadata;
  const known = readings.get(uid);
  if (known?.generation === generation) return known;
  const {errors, spec: checked} = checkedSpec(resource);
  const spec = checked && resolveDefaults(checked);
  const result = {generation, errors, spec, named: spec === undefined ? [] : references(spec)};
  readings.set(uid, result);
  return result;
}

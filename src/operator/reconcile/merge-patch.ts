import {isRecord} from '../../support/record.ts';

/** The JSON merge patch (RFC 7386) that makes `after` of `before`; undefined where they are the same. */
export function mergePatch(before: unknown, after: unknown): Record<string, unknown> | undefined {
  if (!isRecord(before) || !isRecord(after)) return undefined;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(before)) {
    if (after[key] === undefined && before[key] !== undefined) patch[key] = null;
  }
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const known = before[key];
    if (isRecord(known) && isRecord(value)) {
      const inner = mergePatch(known, value);
      if (inner !== undefined) patch[key] = inner;
    } else if (!same(known, value)) {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, index) => same(each, b[index]));
  }
  if (isRecord(a) && isRecord(b)) return mergePatch(a, b) === undefined;
  return a === b;
}

import {isRecord} from '../../../src/support/record.ts';

/** Equal as JSON: a field that is undefined is none. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => same(each, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const has = (of: Record<string, unknown>): string[] =>
    Object.keys(of).filter((name) => of[name] !== undefined);
  const names = has(a);
  return names.length === has(b).length && names.every((name) => same(a[name], b[name]));
}

/** JSON merge patch (RFC 7386). */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? {...target} : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = merged(result[name], value);
  }
  return result;
}

/**
 * What server-side apply makes of an object: what was applied before and is not any more goes, all else stays. The
 * number of replicas stays as well: that it is handed over is tested against the real server.
 */
export function applied(live: unknown, before: unknown, wanted: unknown, path = ''): unknown {
  // A selector is one value.
  if (!isRecord(wanted) || path === '.spec.selector') return wanted;
  const result: Record<string, unknown> = isRecord(live) ? {...live} : {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const old = isRecord(before) ? before[name] : undefined;
    result[name] = applied(result[name], old, value, `${path}.${name}`);
  }
  for (const name of isRecord(before) ? Object.keys(before) : []) {
    if (wanted[name] !== undefined || `${path}.${name}` === '.spec.replicas') continue;
    if (path === '' && name !== 'data' && name !== 'spec') continue;
    if (path === '.metadata' && !['labels', 'annotations'].includes(name)) continue;
    delete result[name];
  }
  return result;
}

import type {ManagedFieldsEntry} from './objects.ts';

/**
 * Server-side apply removes a field that a manager no longer applies, provided that nobody else owns it. Two things
 * stand in its way, and both are put right by writing `metadata.managedFields`:
 * what we created by POST is ours as an "Update", which would keep alive what we drop later; and what shall be
 * another's from now on (the `replicas` that an autoscaler moves) would be removed, so reset, when we stop applying it.
 */

type Fields = Record<string, unknown>;

/** Paths of fields, as the keys of nested objects: `['spec', 'replicas']`. */
export type FieldPath = readonly string[];

/**
 * The entries under which `manager` applies all that it has written, but for `given`: those fields it has set once and
 * given away, and they stay where they are. Undefined when the entries are that way already.
 */
export function handOver(
  entries: readonly ManagedFieldsEntry[],
  manager: string,
  given: readonly FieldPath[],
): ManagedFieldsEntry[] | undefined {
  const isOurs = (entry: ManagedFieldsEntry): boolean => entry.manager === manager && !entry.subresource;
  const applied = entries.filter((entry) => isOurs(entry) && entry.operation === 'Apply');
  const updated = entries.filter((entry) => isOurs(entry) && entry.operation === 'Update');
  const appliedFields = union(applied);
  const updatedFields = union(updated);
  const all = merge(appliedFields, updatedFields);
  const rest = without(all, given);
  const kept = difference(all, rest);
  const settled = given.every((path) => !has(appliedFields, path)) && isWithin(updatedFields, kept);
  const template = applied[0] ?? updated[0];
  if (settled || template === undefined) return undefined;
  const result = entries.filter((entry) => !isOurs(entry));
  if (Object.keys(rest).length > 0) result.push({...template, operation: 'Apply', fieldsV1: rest});
  if (Object.keys(kept).length > 0) result.push({...template, operation: 'Update', fieldsV1: kept});
  return result;
}

/** The paths of the leaves of an object: `{spec: {replicas: 3}}` gives `[['spec', 'replicas']]`. */
export function leafPaths(object: unknown, path: FieldPath = []): FieldPath[] {
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    return path.length === 0 ? [] : [path];
  return Object.entries(object).flatMap(([name, value]) => leafPaths(value, [...path, name]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function union(entries: readonly ManagedFieldsEntry[]): Fields {
  let all: Fields = {};
  for (const entry of entries) all = merge(all, entry.fieldsV1 ?? {});
  return all;
}

function merge(a: Fields, b: Fields): Fields {
  const result: Fields = {...a};
  for (const [name, value] of Object.entries(b)) {
    const before = result[name];
    result[name] = isFields(before) && isFields(value) ? merge(before, value) : value;
  }
  return result;
}

function has(fields: Fields, [head, ...rest]: FieldPath): boolean {
  if (head === undefined) return true;
  const inner = fields[`f:${head}`];
  return isFields(inner) && has(inner, rest);
}

function without(fields: Fields, paths: readonly FieldPath[]): Fields {
  let result = fields;
  for (const path of paths) result = remove(result, path);
  return result;
}

function remove(fields: Fields, [head, ...rest]: FieldPath): Fields {
  if (head === undefined) return fields;
  const name = `f:${head}`;
  const inner = fields[name];
  if (!isFields(inner)) return fields;
  const {[name]: _, ...others} = fields;
  const left = rest.length === 0 ? {} : remove(inner, rest);
  return Object.keys(left).length === 0 ? others : {...others, [name]: left};
}

/** What `all` has and `rest` has not. */
function difference(all: Fields, rest: Fields): Fields {
  const result: Fields = {};
  for (const [name, value] of Object.entries(all)) {
    const other = rest[name];
    if (!isFields(other)) {
      result[name] = value;
      continue;
    }
    const inner = isFields(value) ? difference(value, other) : {};
    if (Object.keys(inner).length > 0) result[name] = inner;
  }
  return result;
}

function isWithin(a: Fields, b: Fields): boolean {
  return Object.entries(a).every(([name, value]) => {
    const other = b[name];
    return isFields(other) && (!isFields(value) || isWithin(value, other));
  });
}

import {APPLIED_HASH} from '../../kube/applied-hash.ts';
import {canonical} from '../../kube/canonical.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {isRecord} from '../../support/record.ts';

/** One field that becomes another. Undefined: it is not there. */
export interface Difference {
  /** The way to it; an item of a list that has a name by `[name]`. */
  readonly path: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

/** Told alone when nothing else changes: which of the fields are ours. */
export const OWNERSHIP: readonly string[] = ['metadata', 'managedFields'];
/** What the server writes itself. */
const SERVERS: ReadonlySet<string> = new Set(['metadata', 'status', 'apiVersion', 'kind']);
const METADATA: ReadonlySet<string> = new Set(['labels', 'annotations', 'ownerReferences']);

/**
 * The fields in which an object differs after a write, in the order of their paths; none where it does not.
 * `others`: fields that are another's by now, as an object that has them.
 */
export function differences(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  others: Readonly<Record<string, unknown>> = {},
): Difference[] {
  const found: Difference[] = [];
  compare(essence(before), essence(after), [], found);
  const own = found.filter(({path}) => !holds(others, path));
  const telling = own.filter(({path}) => path.at(-1) !== APPLIED_HASH);
  if (telling.length > 0 || own.length === 0) return telling;
  return own.map(({from, to}) => ({path: OWNERSHIP, from, to}));
}

function essence(object: KubeObject | undefined): Record<string, unknown> {
  if (object === undefined) return {};
  const {metadata} = object;
  const rest = Object.entries(object).filter(([name]) => !SERVERS.has(name) && !/^x-|Hash$/.test(name));
  const kept = Object.entries(metadata).filter(([name]) => METADATA.has(name));
  return {metadata: Object.fromEntries(kept), ...Object.fromEntries(rest)};
}

function compare(before: unknown, after: unknown, path: readonly string[], found: Difference[]): void {
  if (before === after || canonical(before) === canonical(after)) return;
  const [a, b] = [partsOf(before), partsOf(after)];
  const alike = a !== undefined && b !== undefined && a.list === b.list;
  if (
    alike ||
    (a !== undefined && before !== undefined && after === undefined) ||
    (b && before === undefined)
  ) {
    const names = new Set([...(a?.parts.keys() ?? []), ...(b?.parts.keys() ?? [])]);
    if (names.size > 0) {
      for (const name of [...names].sort()) {
        compare(a?.parts.get(name), b?.parts.get(name), [...path, name], found);
      }
      return;
    }
  }
  found.push({path, from: before, to: after});
}

/** The fields of an object, or the items of a list that have names; undefined for what is one value. */
function partsOf(value: unknown): {list: boolean; parts: Map<string, unknown>} | undefined {
  if (isRecord(value)) return {list: false, parts: new Map(Object.entries(value))};
  if (!Array.isArray(value)) return undefined;
  const parts = new Map<string, unknown>();
  for (const item of value) {
    if (!isRecord(item)) return undefined;
    const name = item['name'] ?? item['uid'];
    if (typeof name !== 'string' || parts.has(`[${name}]`)) return undefined;
    parts.set(`[${name}]`, item);
  }
  return {list: true, parts};
}

function holds(fields: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  return isRecord(fields) && first in fields && holds(fields[first], rest);
}

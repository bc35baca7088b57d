import {isRecord} from '../support/record.ts';

/**
 * Whether an object as it is holds everything that is desired of it. The server adds defaults, drops what is empty and
 * writes quantities its own way; other managers add labels, annotations, containers. None of that is a difference.
 */

type Json = Record<string, unknown>;

/** Lists whose items have an identity, by the list's field name (the built-in types' `x-kubernetes-list-map-keys`). */
const MERGE_KEYS: Record<string, readonly string[]> = {
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  ephemeralContainers: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  resourceClaims: ['name'],
  secrets: ['name'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  volumeDevices: ['devicePath'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};
/** Lists that are sets of scalars. */
const SETS: ReadonlySet<string> = new Set(['finalizers']);
/** Maps that are one value: a key that another adds to the selector of a Service is none of ours, and takes its pods away. */
const ATOMIC_MAPS: ReadonlySet<string> = new Set(['selector', 'matchLabels']);
const QUANTITY_MAPS: ReadonlySet<string> = new Set(['limits', 'requests', 'capacity', 'hard']);
const QUANTITIES: ReadonlySet<string> = new Set(['averageValue', 'divisor', 'sizeLimit', 'storage']);
const INT_OR_STRING: ReadonlySet<string> = new Set([
  'targetPort',
  'port',
  'maxUnavailable',
  'minAvailable',
  'maxSurge',
]);

/** Where a value stands: what it is called, and what holds it. A place is made for every object, a list of names for none. */
interface Place {
  readonly field: string;
  readonly within: Place | undefined;
}
const ROOT: Place = {field: '', within: undefined};

/** True when `live` has all of `desired`. Fields of `live` that `desired` does not name do not matter, but in selectors. */
export function isSubset(desired: unknown, live: unknown): boolean {
  return within(withData(desired), live, ROOT);
}

function within(desired: unknown, live: unknown, place: Place): boolean {
  if (desired === undefined || desired === null) return true;
  if (Array.isArray(desired)) return listWithin(desired, live, place);
  if (isRecord(desired)) {
    if (live === undefined || live === null) return Object.values(desired).every((value) => isEmpty(value));
    if (!isRecord(live)) return false;
    if (ATOMIC_MAPS.has(place.field) && Object.keys(live).some((name) => !(name in desired))) return false;
    return Object.keys(desired).every((name) => fieldWithin(desired[name], live[name], name, place));
  }
  if (live === undefined || live === null) return isEmpty(desired);
  return desired === live || sameNormalForm(desired, live, place);
}

function fieldWithin(desired: unknown, live: unknown, field: string, place: Place): boolean {
  // Most of it is texts and numbers that are the same.
  return desired === live || within(desired, live, {field, within: place});
}

function listWithin(desired: readonly unknown[], live: unknown, place: Place): boolean {
  if (live === undefined || live === null) return desired.length === 0;
  if (!Array.isArray(live)) return false;
  if (SETS.has(place.field)) return desired.every((item) => live.includes(item));
  const keys = mergeKeys(desired, place);
  if (keys !== undefined) {
    return desired.every((item) => isRecord(item) && within(item, counterpart(item, live, keys), place));
  }
  return (
    desired.length === live.length && desired.every((item, index) => itemWithin(item, live[index], place))
  );
}

/** The item of the same identity; of several the last, which is the one that counts. */
function counterpart(item: Json, live: readonly unknown[], keys: readonly string[]): unknown {
  return live.findLast(
    (other) => isRecord(other) && keys.every((key) => identity(item, key) === identity(other, key)),
  );
}

/** In a list without identities an absent item is a difference, even where the desired one is empty. */
function itemWithin(item: unknown, live: unknown, place: Place): boolean {
  return live !== undefined && within(item, live, place);
}

function mergeKeys(items: readonly unknown[], place: Place): readonly string[] | undefined {
  if (place.field === 'ports') {
    // A network policy's ports are atomic; a container's and a Service's are not.
    for (let at: Place | undefined = place; at !== undefined; at = at.within) {
      if (at.field === 'ingress' || at.field === 'egress') return undefined;
    }
    return items.some((item) => isRecord(item) && 'containerPort' in item)
      ? ['containerPort', 'protocol']
      : ['port', 'protocol'];
  }
  return MERGE_KEYS[place.field];
}

function identity(item: Json, key: string): unknown {
  return item[key] ?? (key === 'protocol' ? 'TCP' : '');
}

function sameNormalForm(desired: unknown, live: unknown, {field, within: parent}: Place): boolean {
  const holder = parent?.field ?? '';
  if (QUANTITIES.has(field) || QUANTITY_MAPS.has(holder) || (field === 'value' && holder === 'target')) {
    const [a, b] = [quantity(desired), quantity(live)];
    return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-12;
  }
  return INT_OR_STRING.has(field) && String(desired) === String(live);
}

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity (`100m`, `1.5Gi`, `1e3`, 2) stands for; undefined for what is none. */
export function quantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(value);
  if (match === null) return undefined;
  const factor = match[2] === undefined ? SUFFIXES[match[3] ?? ''] : 10 ** Number(match[2]);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

/** What the server leaves out when it is the zero value. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every((inner) => isEmpty(inner));
}

/** A Secret's `stringData` is write-only: the server folds it into `data`. */
export function withData<T>(object: T): T {
  if (!isRecord(object) || object['kind'] !== 'Secret' || !isRecord(object['stringData'])) return object;
  const {stringData, ...rest} = object;
  const encoded = Object.entries(stringData).map(([name, text]) => [
    name,
    Buffer.from(String(text)).toString('base64'),
  ]);
  const data = isRecord(rest['data']) ? rest['data'] : {};
  return {...rest, data: {...data, ...Object.fromEntries(encoded)}} as T;
}

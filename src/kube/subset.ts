/**
 * Whether an object as it is holds everything that is desired of it. The server adds defaults, drops what is empty and
 * writes quantities its own way; other managers add labels, annotations, containers. None of that is a difference.
 */

type Path = readonly string[];
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

/** True when `live` has all of `desired`. Fields of `live` that `desired` does not name do not matter, but in selectors. */
export function isSubset(desired: unknown, live: unknown): boolean {
  return within(withData(desired), live, []);
}

function within(desired: unknown, live: unknown, path: Path): boolean {
  if (desired === undefined || desired === null) return true;
  if (Array.isArray(desired)) return listWithin(desired, live, path);
  if (isObject(desired)) {
    if (live === undefined || live === null) return Object.values(desired).every((value) => isEmpty(value));
    if (!isObject(live)) return false;
    if (ATOMIC_MAPS.has(path.at(-1) ?? '') && Object.keys(live).some((name) => !(name in desired)))
      return false;
    return Object.entries(desired).every(([name, value]) => within(value, live[name], [...path, name]));
  }
  if (live === undefined || live === null) return isEmpty(desired);
  return desired === live || sameNormalForm(desired, live, path);
}

function listWithin(desired: readonly unknown[], live: unknown, path: Path): boolean {
  if (live === undefined || live === null) return desired.length === 0;
  if (!Array.isArray(live)) return false;
  const field = path.at(-1) ?? '';
  if (SETS.has(field)) return desired.every((item) => live.includes(item));
  const keys = mergeKeys(field, desired, path);
  if (keys !== undefined) {
    const byKey = new Map(live.filter(isObject).map((item) => [identity(item, keys), item]));
    return desired.every(
      (item) => isObject(item) && within(item, byKey.get(identity(item, keys)) ?? null, path),
    );
  }
  return (
    desired.length === live.length && desired.every((item, index) => itemWithin(item, live[index], path))
  );
}

/** In a list without identities an absent item is a difference, even where the desired one is empty. */
function itemWithin(item: unknown, live: unknown, path: Path): boolean {
  return live !== undefined && within(item, live, path);
}

function mergeKeys(field: string, items: readonly unknown[], path: Path): readonly string[] | undefined {
  if (field === 'ports') {
    // A network policy's ports are atomic; a container's and a Service's are not.
    if (path.includes('ingress') || path.includes('egress')) return undefined;
    return items.some((item) => isObject(item) && 'containerPort' in item)
      ? ['containerPort', 'protocol']
      : ['port', 'protocol'];
  }
  return MERGE_KEYS[field];
}

function identity(item: Json, keys: readonly string[]): string {
  return keys.map((key) => JSON.stringify(item[key] ?? (key === 'protocol' ? 'TCP' : ''))).join('\n');
}

function sameNormalForm(desired: unknown, live: unknown, path: Path): boolean {
  const field = path.at(-1) ?? '';
  if (
    QUANTITIES.has(field) ||
    QUANTITY_MAPS.has(path.at(-2) ?? '') ||
    (field === 'value' && path.at(-2) === 'target')
  ) {
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
  return isObject(value) && Object.values(value).every((inner) => isEmpty(inner));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A Secret's `stringData` is write-only: the server folds it into `data`. */
export function withData<T>(object: T): T {
  if (!isObject(object) || object['kind'] !== 'Secret' || !isObject(object['stringData'])) return object;
  const {stringData, ...rest} = object;
  const encoded = Object.entries(stringData).map(([name, text]) => [
    name,
    Buffer.from(String(text)).toString('base64'),
  ]);
  const data = isObject(rest['data']) ? rest['data'] : {};
  return {...rest, data: {...data, ...Object.fromEntries(encoded)}} as T;
}

import type {KubeObject} from '../../kube/objects.ts';
import {cut} from '../status/conditions.ts';
import type {Difference} from './differences.ts';
import {differences, OWNERSHIP} from './differences.ts';

/** A field as a person is told of it. Without `from` and `to` only that it changes. */
export interface Field {
  readonly path: string;
  readonly from?: string;
  readonly to?: string;
}

/** The longest value, and the most fields, that are told. */
const LONGEST = 120;
const MOST = 16;
/** What a person wants to know of an object that is made. */
const TELLING: ReadonlySet<string> = new Set([
  'args',
  'averageUtilization',
  'image',
  'maxReplicas',
  'maxUnavailable',
  'minAvailable',
  'minReplicas',
  'port',
  'replicas',
  'schedule',
  'suspend',
  'timeZone',
]);
/** Annotations of ours whose value is of no use to a person: whole templates, and what was made of Secrets. */
const UNTOLD = /((proven|given|refused)-template|secrets-hash|key-ring|applied-hash)$/;

/** Environment variables whose value the operator sets itself: those of a manifest, but for the user's own. */
export function ownVariables(manifest: KubeObject, users: readonly {name: string}[]): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: unknown, within: string): void => {
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) visit(item, within);
    } else if (typeof value === 'object' && value !== null) {
      const {name} = value as {name?: unknown};
      if (within === 'env' && typeof name === 'string') names.add(name);
      for (const [field, inner] of Object.entries(value)) visit(inner, field);
    }
  };
  visit(manifest, '');
  for (const {name} of users) names.delete(name);
  return names;
}

/** What is told of the fields that change. `own`: environment variables whose value may be told. */
export function told(found: readonly Difference[], own: ReadonlySet<string>): Field[] {
  const fields = found.slice(0, found.length > MOST ? MOST - 1 : MOST).map(({path, from, to}): Field => {
    const name = textOf(path);
    if (!mayTell(path, own)) return {path: name};
    // What somebody wrote on a command line may be anything.
    if (path.includes('args') || path.includes('command')) return {path: name, ...valueOf('to', to)};
    return {path: name, ...valueOf('from', from), ...valueOf('to', to)};
  });
  return found.length > MOST ? [...fields, {path: `… and ${found.length - MOST + 1} more fields`}] : fields;
}

/** What is told of an object that is made: the few fields by which one knows it. */
export function toldOfNew(manifest: KubeObject, own: ReadonlySet<string>): Field[] {
  if (manifest.kind === 'ConfigMap') {
    return [{path: 'data', to: Object.keys(manifest['data'] ?? {}).join(', ')}];
  }
  const telling = differences(undefined, manifest).filter(
    ({path}) => path.some((part) => TELLING.has(part)) && !path.includes('strategy') && path[0] === 'spec',
  );
  return told(telling, own);
}

/** Nothing that a Secret may have gone into: a value that is not known to be harmless is left out. */
function mayTell(path: readonly string[], own: ReadonlySet<string>): boolean {
  if (path === OWNERSHIP || path[0] === 'data' || path[0] === 'binaryData') return false;
  if (UNTOLD.test(path.at(-1) ?? '')) return false;
  const variable = path[path.lastIndexOf('env') + 1];
  if (!path.includes('env')) return true;
  if (path.includes('valueFrom')) return true;
  return variable !== undefined && own.has(variable.slice(1, -1));
}

function valueOf(side: 'from' | 'to', value: unknown): Partial<Field> {
  if (value === undefined) return {};
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {[side]: cut(withoutCredentials(text), LONGEST)};
}

/** Should somebody have written a password where none belongs: it is not told. */
function withoutCredentials(text: string): string {
  return text
    .replaceAll(/:\/\/[^/\s@]*@/g, '://…@')
    .replaceAll(/((?:pass(?:word|wd)?|secret|token|key|credentials?)["']?\s*[=:]\s*["']?)[^\s"',]+/gi, '$1…');
}

/** `spec.template.spec.containers[server].image`; a name with dots in brackets. */
function textOf(path: readonly string[]): string {
  const text = path.map((part) => {
    if (part.startsWith('[')) return part;
    return /^[-\w]+$/.test(part) ? `.${part}` : `[${part}]`;
  });
  return cut(text.join('').replace(/^\./, ''), 253);
}

import {hash as digest} from 'node:crypto';
import {canonical, outline} from './canonical.ts';
import type {KubeObject} from './objects.ts';

/**
 * On every child: of what was last applied, the hash of the whole, and behind a dash that of its outline (see `outline`).
 * An object that carries another hash and the same outline is to be changed in values alone: no field is to go.
 */
export const APPLIED_HASH = 'auth.fraiseql.dev/applied-hash';

/** The hash of an object as JSON with its keys in order: 16 hexadecimal digits. */
export function hashOf(desired: KubeObject): string {
  return digest('sha256', canonical(desired)).slice(0, 16);
}

/** The object as it is sent: with the hash of what it was before that. */
export function stamped<T extends KubeObject>(desired: T, hash: string): T {
  const annotations = {...desired.metadata.annotations, [APPLIED_HASH]: `${hash}-${outlineHash(desired)}`};
  return {...desired, metadata: {...desired.metadata, annotations}};
}

/** Whether what was last applied to the object has this hash. */
export function carries({metadata: {annotations}}: KubeObject, hash: string): boolean {
  return annotations?.[APPLIED_HASH]?.startsWith(hash) === true;
}

/** Whether what is desired has the very fields that were last applied to the object, though perhaps other values. */
export function hasOutlineOf({metadata: {annotations}}: KubeObject, desired: KubeObject): boolean {
  return annotations?.[APPLIED_HASH]?.endsWith(`-${outlineHash(desired)}`) === true;
}

function outlineHash(desired: KubeObject): string {
  return digest('sha256', outline(desired)).slice(0, 8);
}

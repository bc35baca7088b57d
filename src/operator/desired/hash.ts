import {hash} from 'node:crypto';
import {canonical} from '../../kube/canonical.ts';

/** Eight hexadecimal digits that are the same for the same value, in whatever order its keys stand. */
export function shortHash(value: unknown): string {
  return hash('sha256', canonical(value)).slice(0, 8);
}

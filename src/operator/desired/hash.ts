import {createHash} from 'node:crypto';
import {canonical} from '../../kube/canonical.ts';

/** Eight hexadecimal digits that are the same for the same value, in whatever order its keys stand. */
export function shortHash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 8);
}

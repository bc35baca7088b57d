import type {Bound, KeyRing, RingKey} from '../desired/key-ring.ts';

// What stands in a ring since when, another process may have written, whose clock may be hours off. What must not come
// too early is therefore counted from when this process first saw it, by a clock that never jumps.

/** Under which it is seen that a key is in its state. */
export const stateId = ({kid, state, since}: RingKey): string => `${kid} ${state} ${since}`;
/** Under which it is seen that a key is served. */
export const servedId = ({kid, servedSince}: RingKey): string => `${kid} served ${servedSince}`;
/** Under which it is seen when a key retires. */
export const retireId = ({kid, retireAt}: RingKey): string => `${kid} retires ${retireAt}`;
/** Under which it is seen that a bound may become lower. */
export const lowerId = (what: 'maxAge' | 'tokenTTL', {lowerAt}: Bound): string => `${what} lower ${lowerAt}`;

/** All of these that there are in a ring. Of one that rests there are none. */
export function* ringIds({keys, maxAge, tokenTTL}: KeyRing): Iterable<string> {
  for (const key of keys) {
    if (key.state !== 'Signing') yield stateId(key);
    if (key.servedSince !== undefined) yield servedId(key);
    if (key.retireAt !== undefined) yield retireId(key);
  }
  if (maxAge.lowerAt !== undefined) yield lowerId('maxAge', maxAge);
  if (tokenTTL.lowerAt !== undefined) yield lowerId('tokenTTL', tokenTTL);
}

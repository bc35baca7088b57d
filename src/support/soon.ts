/**
 * What is there already, or will be. Forward authentication stands before every request of an application, and its answer
 * is in memory: a promise for each function that it passes through would be a tenth of what it costs.
 */
export type Soon<T> = T | Promise<T>;

/** What `use` makes of it, now where it is there. What `use` throws is thrown or rejected likewise. */
export function soon<T, U>(value: Soon<T>, use: (value: T) => U): Soon<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}

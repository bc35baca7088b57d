import {setTimeout as delay} from 'node:timers/promises';

/** Waits until what `read` gives is so; fails with the last of it after `timeoutMs`. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  isSo: (value: T) => boolean,
  timeoutMs = 45_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`not so within ${timeoutMs} ms: ${JSON.stringify(value)?.slice(0, 1000)}`);
    }
    await delay(20);
  }
}

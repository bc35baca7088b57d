import {setTimeout as delay} from 'node:timers/promises';

/**
 * Tries until it does not throw and does not give false. The time is for a machine that does much else besides: what must be
 * quick is a benchmark's to say.
 */
export async function eventually<T>(attempt: () => Promise<T | false> | T | false, ms = 45_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== false) return result;
      if (Date.now() > until) throw new Error(`still false after ${ms} ms: ${attempt.toString()}`);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await delay(25);
  }
}

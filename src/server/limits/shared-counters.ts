import type {SharedStore} from '../shared/store.ts';
import type {Counters, Rate} from './counters.ts';

/**
 * `Limiter`'s rule, in Redis and by its clock: one number a key, the time when a key that was used evenly would be at its
 * limit no more. ARGV: milliseconds a use, milliseconds of burst, and take, wait or count. Answers milliseconds.
 */
const RATE = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + time[2] / 1000
  local step, burst, what = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
  local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
  local excess = due + step - now - burst
  if what == 'wait' or (what == 'take' and excess > 0.001) then
    return excess > 0.001 and math.ceil(excess) or 0
  end
  due = due + step
  redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(due - now))
  excess = due + step - now - burst
  return what == 'count' and excess > 0.001 and math.ceil(excess) or 0`;

const BLOCK = `redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) return 0`;
const BLOCKED = `return math.max(0, redis.call('PTTL', KEYS[1]))`;

/**
 * Counts in Redis, for all replicas together. What Redis does not answer this process answers by itself, which knows at
 * least what it let pass: it counts along.
 */
export class SharedCounters implements Counters {
  readonly #store: SharedStore;
  readonly #local: Counters;

  constructor(store: SharedStore, local: Counters) {
    this.#store = store;
    this.#local = local;
  }

  async take(rate: Rate, key: string): Promise<number> {
    const shared = await this.#rate(rate, key, 'take');
    if (shared === undefined) return this.#local.take(rate, key);
    if (shared === 0) await this.#local.count(rate, key);
    return shared;
  }

  async wait(rate: Rate, key: string): Promise<number> {
    return (await this.#rate(rate, key, 'wait')) ?? this.#local.wait(rate, key);
  }

  async count(rate: Rate, key: string): Promise<number> {
    const [shared, local] = await Promise.all([this.#rate(rate, key, 'count'), this.#local.count(rate, key)]);
    return shared ?? local;
  }

  async block(key: string, seconds: number): Promise<void> {
    await this.#local.block(key, seconds);
    await this.#store.run(BLOCK, `blocked:${key}`, [Math.ceil(seconds * 1000)]);
  }

  async blocked(key: string): Promise<number> {
    const ms = await this.#store.run(BLOCKED, `blocked:${key}`, []);
    return ms === undefined ? this.#local.blocked(key) : inSeconds(ms);
  }

  async #rate(
    {name, limit, periodMs}: Rate,
    key: string,
    what: 'take' | 'wait' | 'count',
  ): Promise<number | undefined> {
    const ms = await this.#store.run(RATE, `limit:${name}:${key}`, [periodMs / limit, periodMs, what]);
    return ms === undefined ? undefined : inSeconds(ms);
  }
}

const inSeconds = (ms: number): number => Math.ceil(ms / 1000);

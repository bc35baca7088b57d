import {ApiError} from '../../../src/kube/client.ts';
import type {ResourceType} from '../../../src/kube/objects.ts';
import {NO_FAULTS, type Faults, type Tally} from './faults.ts';
import type {Random} from './random.ts';
import type {ProcessClock} from './time.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly dryRun?: boolean | undefined;
  /** Where the object is, or all that is asked for. */
  readonly namespace?: string | undefined;
}

/** One process's line to the simulated API server, and all that may go wrong on it. */
export class Line {
  faults: Faults = NO_FAULTS;
  /** The server is away. */
  outage = false;
  /** Only this process's calls on the lease fail. */
  leaseBlocked = false;
  /** Namespaces in which this process has no rights, but on its lease. */
  forbidden: ReadonlySet<string> = new Set();
  /** What a call ends with instead of its answer: an error, or nothing until its deadline. */
  instead: (call: string) => ApiError | 'silence' | undefined = () => undefined;
  readonly #clock: ProcessClock;
  readonly #random: Random;
  readonly #tally: Tally;
  #dead = false;

  constructor({clock, random, tally}: {clock: ProcessClock; random: Random; tally: Tally}) {
    this.#clock = clock;
    this.#random = random;
    this.#tally = tally;
  }

  /** Its process was killed. */
  get dead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
  }

  /** A call: it arrives after a moment, is answered after another, and in between much may happen. */
  async call<R>(call: string, type: ResourceType, options: CallOptions, work: () => R): Promise<R> {
    const {signal, timeoutMs = 30_000, namespace} = options;
    await this.pause(this.#random.between(1, 10), signal, 'sent');
    const onLease = type.plural === 'leases';
    if (namespace !== undefined && this.forbidden.has(namespace) && !onLease)
      throw new ApiError(403, 'Forbidden', `${call}: 403 Forbidden: cannot do that in ${namespace}`);
    if (this.outage) {
      if (this.#random.chance(0.3)) return this.#unanswered(call, timeoutMs, signal);
      throw new ApiError(0, 'ConnectionRefused', `${call}: ConnectionRefused`);
    }
    if (onLease && this.leaseBlocked) throw new ApiError(503, 'ServiceUnavailable', `${call}: 503`);
    const instead = this.instead(call);
    if (instead === 'silence') return this.#unanswered(call, timeoutMs, signal);
    if (instead !== undefined) throw instead;
    if (this.strikes('tooManyRequests'))
      throw new ApiError(429, 'TooManyRequests', `${call}: 429`, {
        retryAfterMs: 1000 * (1 + this.#random.below(3)),
      });
    if (this.strikes('serverError')) {
      const status = this.#random.pick([500, 502, 503, 504]);
      throw new ApiError(status, 'InternalError', `${call}: ${status}`);
    }
    if (this.strikes('reset')) throw reset(call);
    const answer = structuredClone(work());
    if (this.strikes('answerLost')) throw reset(call);
    if (this.strikes('unanswered')) return this.#unanswered(call, timeoutMs, signal);
    await this.pause(this.#random.between(1, 10), signal);
    return answer;
  }

  async #unanswered(call: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<never> {
    await this.pause(timeoutMs, signal);
    throw new ApiError(0, 'Timeout', `${call}: Timeout: no answer within ${timeoutMs} ms`);
  }

  /** Whether that fault happens now; then it is counted. */
  strikes(fault: keyof Faults): boolean {
    const share = this.faults[fault];
    if (share <= 0 || !this.#random.chance(share)) return false;
    this.#tally.add(fault);
    return true;
  }

  /** Time passes. It never ends for a process that is dead. */
  pause(ms: number, signal: AbortSignal | undefined, way: 'sent' | 'deliver' = 'deliver'): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#dead) return;
      const abort = (): void => {
        timer.cancel();
        reject(aborted('call'));
      };
      const timer = this.#clock[way](() => {
        signal?.removeEventListener('abort', abort);
        if (!this.#dead) resolve();
      }, ms);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, {once: true});
    });
  }
}

export function reset(call: string): ApiError {
  return new ApiError(0, 'ConnectionReset', `${call}: ConnectionReset`);
}

export function aborted(call: string): ApiError {
  return new ApiError(0, 'Aborted', `${call}: Aborted by the caller`);
}

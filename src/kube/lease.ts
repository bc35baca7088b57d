import {sleep, systemClock, type Clock, type Timer} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import type {KubeClient} from './client.ts';
import {isApiError} from './errors.ts';
import {RESOURCES, type KubeObject} from './objects.ts';
import {microTime} from './time.ts';

/** coordination.k8s.io/v1. */
export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  namespace: string;
  name: string;
  /** Unlike that of every other candidate: two with one identity would both lead. */
  identity: string;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Others may take the lease when it has not moved for this long, by their own clock. */
  leaseDurationMs?: number;
  /** A leader that could not renew for this long stops; less than the lease's duration, so that it stops first. */
  renewDeadlineMs?: number;
  /** How often the leader renews. Candidates look at least twice as often, so that a handover is quick. */
  retryPeriodMs?: number;
  logger?: Pick<Logger, 'info' | 'warn'> | undefined;
  onLeading?: ((leading: boolean) => void) | undefined;
}

/** What is told of leading. */
export interface LeaderCallbacks {
  /** Leads until the signal aborts, and must not write after that. */
  onStartedLeading(signal: AbortSignal): Promise<void> | void;
  onStoppedLeading(): void;
}

/** What the election needs of a client. */
export type LeasePort = Pick<KubeClient, 'get' | 'create' | 'replace'>;

/** What was last seen of the lease, and when by our own clock: the times written in it are never compared. */
interface Sight {
  lease: Lease;
  at: number;
}

/**
 * One leader among several processes, by a Lease. A candidate takes a lease that is free, or that has not changed for
 * its whole duration as this process saw it. A leader whose renewals fail, or who finds another holder, has its signal
 * aborted at once, before anybody else may take over.
 */
export class LeaderElection {
  readonly #client: LeasePort;
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #deadlineMs: number;
  readonly #periodMs: number;
  readonly #stop = new AbortController();
  #sight: Sight | undefined;
  #renewedAt: number | undefined;
  /** What a write of ours would take, of which nothing was heard yet: it may have been done, or be done later. */
  #taking: Lease | undefined;
  #ended: Promise<void> | undefined;

  constructor(client: LeasePort, options: LeaderElectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#durationMs = options.leaseDurationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#periodMs = options.retryPeriodMs ?? 2000;
    if (!(this.#periodMs < this.#deadlineMs && this.#deadlineMs < this.#durationMs)) {
      throw new RangeError('leader election needs retryPeriodMs < renewDeadlineMs < leaseDurationMs');
    }
  }

  /**
   * Whether this process leads at this very moment. Computed from the time of the last renewal, so that it is true to
   * the moment even when the process was stopped for a while and no timer has fired yet.
   */
  isLeader(): boolean {
    return this.#renewedAt !== undefined && this.#clock.monotonic() - this.#renewedAt < this.#deadlineMs;
  }

  /** Who holds the lease, as last seen. */
  get holder(): string | undefined {
    return this.#sight?.lease.spec.holderIdentity || undefined;
  }

  /**
   * Waits for the lease, leads, and resolves when leading has ended: lost, or given back by {@link release}. Faults of
   * the API server are waited out. To be called once; a process that lost the lease does best to exit.
   */
  run(callbacks: LeaderCallbacks): Promise<void> {
    this.#ended ??= this.#run(callbacks);
    return this.#ended;
  }

  /** Stops leading (or waiting to), then gives the lease back, so that another may take it at once. */
  async release(): Promise<void> {
    this.#stop.abort(new Error('leader election was ended'));
    await this.#ended;
  }

  async #run(callbacks: LeaderCallbacks): Promise<void> {
    if (!(await this.#acquire())) return this.#giveBack();
    const {logger, identity} = this.#options;
    logger?.info({identity}, 'leading');
    this.#options.onLeading?.(true);
    const leading = new AbortController();
    const work = this.#lead(callbacks, leading.signal);
    const why = await this.#keep(leading);
    logger?.[this.#stop.signal.aborted ? 'info' : 'warn']({identity, reason: why}, 'no longer leading');
    this.#options.onLeading?.(false);
    callbacks.onStoppedLeading();
    const failure = await work;
    if (this.#stop.signal.aborted) await this.#giveBack();
    if (failure !== undefined) throw failure.error;
  }

  /** The work of a leader. What it throws while it leads ends the leading, and is returned. */
  async #lead(callbacks: LeaderCallbacks, signal: AbortSignal): Promise<{error: unknown} | undefined> {
    try {
      await callbacks.onStartedLeading(signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#stop.abort(new Error('the leader failed'));
      return {error};
    }
    return undefined;
  }

  /** True when the lease is ours; false when the election was ended before. */
  async #acquire(): Promise<boolean> {
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#tryOnce(this.#periodMs * 2)) return true;
      } catch (error) {
        if (!isApiError(error)) throw error;
        this.#options.logger?.warn({reason: error.message}, 'cannot read or write the lease');
      }
      // Never longer than half a period: what is left of a hand-over's two seconds is the leader's to end in.
      const jitter = 0.6 + 0.4 * (this.#options.random ?? Math.random)();
      await this.#pause((this.#periodMs / 2) * jitter, this.#stop.signal);
    }
    return false;
  }

  /** Renews until that is no longer possible; aborts `leading` the moment it ends and says why. */
  async #keep(leading: AbortController): Promise<string> {
    let why = 'released';
    const end = (reason: string): void => {
      if (leading.signal.aborted) return;
      why = reason;
      this.#renewedAt = undefined;
      leading.abort(new Error(`the lease ${this.#options.name} is no longer ours: ${reason}`));
    };
    const onStop = (): void => end('released');
    this.#stop.signal.addEventListener('abort', onStop, {once: true});
    if (this.#stop.signal.aborted) onStop();
    let fuse: Timer | undefined;
    while (!leading.signal.aborted) {
      fuse?.cancel();
      const renewedAt = this.#renewedAt ?? 0;
      const leftMs = renewedAt + this.#deadlineMs - this.#clock.monotonic();
      fuse = this.#clock.setTimeout(() => end(`not renewed for ${this.#deadlineMs} ms`), Math.max(0, leftMs));
      const sinceMs = this.#clock.monotonic() - renewedAt;
      await this.#pause(
        sinceMs < this.#periodMs ? this.#periodMs - sinceMs : this.#periodMs / 4,
        leading.signal,
      );
      if (leading.signal.aborted) break;
      try {
        const left = renewedAt + this.#deadlineMs - this.#clock.monotonic();
        if (left <= 0) end(`not renewed for ${this.#deadlineMs} ms`);
        else if (!(await this.#tryOnce(left, leading.signal))) end(`${this.holder ?? 'another'} took it`);
      } catch (error) {
        if (!isApiError(error)) end(`a fault of ours: ${String(error)}`);
        else if (!leading.signal.aborted)
          this.#options.logger?.warn({reason: error.message}, 'cannot renew the lease');
      }
    }
    fuse?.cancel();
    this.#stop.signal.removeEventListener('abort', onStop);
    return why;
  }

  /** Takes or renews the lease; false when it is another's. @throws ApiError when that cannot be found out */
  async #tryOnce(
    timeoutMs: number,
    signal: AbortSignal = this.#stop.signal,
    mayRepeat = true,
  ): Promise<boolean> {
    const {namespace, name, identity} = this.#options;
    const startedAt = this.#clock.monotonic();
    const call = {timeoutMs, signal};
    const mine = this.holder === identity && this.#renewedAt !== undefined ? this.#sight?.lease : undefined;
    const lease = mine ?? (await this.#client.get<Lease>(RESOURCES.Lease, {namespace, name}, call));
    if (lease !== undefined) this.#look(lease);
    this.#taking = undefined;
    if (lease !== undefined && !this.#mayTake(lease)) return false;
    try {
      const next = this.#next(lease);
      if (mine === undefined) this.#taking = lease;
      const written = await (lease === undefined
        ? this.#client.create(RESOURCES.Lease, next, call)
        : this.#client.replace(RESOURCES.Lease, next, call));
      this.#sight = {lease: written, at: startedAt};
      // From before the call: the others cannot have seen it earlier.
      this.#renewedAt = startedAt;
      this.#taking = undefined;
      return true;
    } catch (error) {
      if (!isApiError(error, 409) && !isApiError(error, 404)) throw error;
      this.#taking = undefined;
      // Somebody was faster, or has written to our own lease: look at what it is now.
      const now = await this.#client.get<Lease>(RESOURCES.Lease, {namespace, name}, call);
      // Deleted: what was known of it is void, and the next try makes it anew.
      if (now === undefined) this.#sight = undefined;
      if (now === undefined) throw error;
      this.#look(now);
      if (mine === undefined || now.spec.holderIdentity !== identity) return false;
      if (!mayRepeat) throw error;
      // It is ours still, and what wrote to it was, as a rule, the renewal before, whose answer was lost on the way: there
      // is no time to lose.
      const leftMs = timeoutMs - (this.#clock.monotonic() - startedAt);
      return this.#tryOnce(Math.max(1, leftMs), signal, false);
    }
  }

  #look(lease: Lease): void {
    if (this.#sight?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#sight = {lease, at: this.#clock.monotonic()};
  }

  #mayTake(lease: Lease): boolean {
    const {holderIdentity, leaseDurationSeconds} = lease.spec;
    if (!holderIdentity || holderIdentity === this.#options.identity) return true;
    const durationMs = leaseDurationSeconds === undefined ? this.#durationMs : leaseDurationSeconds * 1000;
    return this.#sight !== undefined && this.#clock.monotonic() - this.#sight.at >= durationMs;
  }

  #next(lease: Lease | undefined): Lease {
    const {namespace, name, identity} = this.#options;
    const now = microTime(this.#clock.now());
    const spec = lease?.spec ?? {};
    const changes = spec.holderIdentity !== identity;
    return {
      ...(lease ?? {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: {namespace, name}}),
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
        acquireTime: changes ? now : (spec.acquireTime ?? now),
        renewTime: now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (changes && lease !== undefined ? 1 : 0),
      },
    };
  }

  async #giveBack(): Promise<void> {
    const {namespace, name, identity} = this.#options;
    const read = () => this.#client.get<Lease>(RESOURCES.Lease, {namespace, name}, {timeoutMs: 3000});
    try {
      // Of two writes over one version the later is refused: what we were taking is nobody's after this, or ours already.
      let lease = this.#taking ?? this.#sight?.lease ?? (await read());
      const isOurs = (): boolean => lease === this.#taking || lease?.spec.holderIdentity === identity;
      for (let tries = 0; tries < 3 && lease !== undefined && isOurs(); tries++) {
        if (await this.#free(lease)) return;
        // The renewal that was cut short when we were told to end may have been written: then ours is an older version.
        lease = await read();
      }
    } catch (error) {
      if (!isApiError(error)) throw error;
      this.#options.logger?.warn({reason: error.message}, 'cannot give the lease back; it will run out');
    }
  }

  /** Whether the lease was still as we know it, and is now nobody's. */
  async #free(lease: Lease): Promise<boolean> {
    const spec = {...lease.spec, holderIdentity: '', renewTime: microTime(this.#clock.now())};
    try {
      await this.#client.replace(RESOURCES.Lease, {...lease, spec}, {timeoutMs: 3000});
      return true;
    } catch (error) {
      if (isApiError(error, 409)) return false;
      throw error;
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#clock, ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

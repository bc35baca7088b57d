import {spawn, type ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import type {Manifest} from '../../support/kubectl.ts';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export interface BlockedOn {
  readonly reason: string;
  readonly message: string;
  readonly hint?: string;
  readonly objectRef?: {readonly kind?: string; readonly name?: string; readonly key?: string};
}

export interface FraiseQLAuth extends Manifest {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly Condition[];
    readonly blockedOn?: readonly BlockedOn[];
    readonly [field: string]: unknown;
  };
}

type Test = (resource: FraiseQLAuth) => boolean;

interface Waiter {
  readonly key: string;
  readonly test: Test;
  readonly resolve: (resource: FraiseQLAuth) => void;
}

/**
 * One `kubectl get fqa -A --watch` for a whole test file: tests wait for what a resource says of itself, without a
 * kubectl process a look. When the stream ends (the CRD went away, say) it starts again.
 */
export class ResourceWatch {
  readonly #latest = new Map<string, FraiseQLAuth>();
  readonly #waiters = new Set<Waiter>();
  #child: ChildProcess | undefined;
  #closed = false;

  start(): void {
    const child = spawn(
      'kubectl',
      ['get', 'fraiseqlauths', '-A', '--watch', '-o', 'jsonpath={@}{"\\n"}', '--output-watch-events=false'],
      {stdio: ['ignore', 'pipe', 'ignore']},
    );
    this.#child = child;
    createInterface({input: child.stdout}).on('line', (line) => this.#take(line));
    child.once('close', () => {
      if (!this.#closed) setTimeout(() => this.start(), 500).unref();
    });
  }

  close(): void {
    this.#closed = true;
    this.#child?.kill();
  }

  latest(namespace: string, name: string): FraiseQLAuth | undefined {
    return this.#latest.get(`${namespace}/${name}`);
  }

  /**
   * The first state for which `test` holds, the present one included. Rejects past the deadline, with all that the
   * resource says of itself.
   */
  async until(
    namespace: string,
    name: string,
    what: string,
    test: Test,
    timeoutMs = 240_000,
  ): Promise<FraiseQLAuth> {
    const key = `${namespace}/${name}`;
    const now = this.#latest.get(key);
    if (now !== undefined && test(now)) return now;
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise<FraiseQLAuth>((resolve, reject) => {
        waiter = {key, test, resolve};
        this.#waiters.add(waiter);
        timer = setTimeout(() => {
          reject(
            new Error(
              `${key}: not ${what} within ${timeoutMs / 1000} s; it says: ${describe(this.#latest.get(key))}`,
            ),
          );
        }, timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }

  #take(line: string): void {
    if (line === '') return;
    const resource = JSON.parse(line) as FraiseQLAuth;
    const key = `${resource.metadata.namespace ?? ''}/${resource.metadata.name}`;
    this.#latest.set(key, resource);
    for (const waiter of this.#waiters) {
      if (waiter.key === key && waiter.test(resource)) waiter.resolve(resource);
    }
  }
}

export function conditionOf(resource: FraiseQLAuth, type: string): Condition | undefined {
  return resource.status?.conditions?.find((condition) => condition.type === type);
}

/** Ready, and speaking of the spec as it is now. */
export function isReady(resource: FraiseQLAuth): boolean {
  const ready = conditionOf(resource, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === resource.metadata.generation;
}

/** A condition is False or Unknown for the present spec, and its message has all of the words. */
export function complains(type: string, ...words: readonly (string | RegExp)[]): Test {
  return (resource) => {
    const condition = conditionOf(resource, type);
    if (condition === undefined || condition.status === 'True') return false;
    if (condition.observedGeneration !== resource.metadata.generation) return false;
    const said = `${condition.reason}: ${condition.message}`;
    return words.every((word) => (typeof word === 'string' ? said.includes(word) : word.test(said)));
  };
}

function describe(resource: FraiseQLAuth | undefined): string {
  if (resource === undefined) return 'nothing (never seen)';
  const conditions = (resource.status?.conditions ?? []).map(
    ({type, status, reason, message, observedGeneration}) =>
      `${type}=${status} ${reason} (generation ${String(observedGeneration)}): ${message}`,
  );
  return `generation ${String(resource.metadata.generation)}\n  ${conditions.join('\n  ')}\n  blockedOn ${JSON.stringify(resource.status?.blockedOn ?? [])}`;
}

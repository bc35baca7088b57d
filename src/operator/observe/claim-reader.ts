import {isApiError, type KubeClient} from '../../kube/client.ts';
import {keyOf, RESOURCES, type ObjectKey} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {RecentMap} from '../../support/recent-map.ts';

/** For how long it is believed that a claim is there, and that it is not. */
const THERE_MS = 10 * 60_000;
const MISSING_MS = 5000;

interface Known {
  /** Undefined: it may not be asked. */
  readonly there: boolean | undefined;
  readonly until: number;
}

/** Whether the PersistentVolumeClaims that backups go to are there. They are asked for one by one: few name one. */
export class ClaimReader {
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #logger: Logger;
  readonly #known = new RecentMap<string, Known>(4096);
  #forbidden = false;

  constructor(client: Pick<KubeClient, 'get'>, clock: Pick<Clock, 'monotonic'>, logger: Logger) {
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * By their names; one that may not be asked for is left out, for that is not its absence.
   * @throws ApiError when the API server could not answer
   */
  async look(
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, boolean>> {
    const found = await Promise.all(
      names.map(async (name) => [name, await this.#one({namespace, name}, signal)] as const),
    );
    return new Map(found.filter((each): each is [string, boolean] => each[1] !== undefined));
  }

  async #one(key: ObjectKey, signal: AbortSignal): Promise<boolean | undefined> {
    const id = keyOf(key);
    const known = this.#known.get(id);
    if (known !== undefined && this.#clock.monotonic() < known.until) return known.there;
    const there = await this.#ask(key, signal);
    const believedMs = there === false ? MISSING_MS : THERE_MS;
    this.#known.set(id, {there, until: this.#clock.monotonic() + believedMs});
    return there;
  }

  async #ask(key: ObjectKey, signal: AbortSignal): Promise<boolean | undefined> {
    try {
      const claim = await this.#client.get(RESOURCES.PersistentVolumeClaim, key, {signal, timeoutMs: 10_000});
      return claim !== undefined && claim.metadata.deletionTimestamp === undefined;
    } catch (error) {
      if (!isApiError(error, 403)) throw error;
      if (!this.#forbidden) {
        this.#forbidden = true;
        this.#logger.warn(
          {err: error},
          'PersistentVolumeClaims may not be read, so a mistyped claimName shows only when a backup runs; install the chart, or config/, again',
        );
      }
      return undefined;
    }
  }
}

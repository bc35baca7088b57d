import type {KubeClient} from '../../kube/client.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {crashing, lastLine} from '../decide/pods.ts';
import type {Pod} from '../workloads.ts';

const DEADLINE_MS = 3000;
const MAX_KNOWN = 2000;
/** A log that could not be read is not asked for again before this is over. */
const AGAIN_MS = 60_000;

/** What was read of a container's log after a crash; of one that could not be read, when that was. */
type Known = {readonly line: string} | {readonly failedAt: number};

/** The last words of containers that crash, each read once a crash. */
export class LogReader {
  readonly #client: Pick<KubeClient, 'podLogs'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #logger: Pick<Logger, 'debug'>;
  readonly #known = new Map<string, Known>();

  constructor(
    client: Pick<KubeClient, 'podLogs'>,
    {clock, logger}: {clock: Pick<Clock, 'monotonic'>; logger: Pick<Logger, 'debug'>},
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Last log lines by the pod's uid. A log that cannot be read is left out: it would only have been of help. */
  async lastLines(pods: readonly Pod[], signal: AbortSignal): Promise<Map<string, string>> {
    const lines = await Promise.all(
      pods.map(async (pod) => [pod.metadata.uid, await this.#lastLine(pod, signal)] as const),
    );
    const known = (entry: (typeof lines)[number]): entry is readonly [string, string] =>
      entry[0] !== undefined && entry[1] !== undefined;
    return new Map(lines.filter(known));
  }

  async #lastLine(pod: Pod, signal: AbortSignal): Promise<string | undefined> {
    const {uid} = pod.metadata;
    const crash = crashing(pod);
    if (uid === undefined || crash === undefined) return undefined;
    const id = `${uid} ${crash.container} ${crash.restarts}`;
    const now = this.#clock.monotonic();
    const known = this.#known.get(id);
    if (known !== undefined && 'line' in known) return known.line;
    if (known !== undefined && now - known.failedAt < AGAIN_MS) return undefined;
    const line = lastLine(crash.said) ?? (await this.#read(pod, crash, signal));
    this.#known.set(id, line === undefined ? {failedAt: now} : {line});
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
    return line;
  }

  async #read(
    pod: Pod,
    {container, waiting}: {container: string; waiting: boolean},
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const {name, namespace} = pod.metadata;
    try {
      const text = await this.#client.podLogs(
        {name, namespace},
        {container, tailLines: 5, previous: waiting, signal, timeoutMs: DEADLINE_MS},
      );
      return lastLine(text);
    } catch (error) {
      this.#logger.debug(
        {pod: name, namespace, err: error},
        'the log of a container that crashes cannot be read',
      );
      return undefined;
    }
  }
}

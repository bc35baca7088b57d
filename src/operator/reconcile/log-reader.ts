import type {KubeClient} from '../../kube/client.ts';
import type {Logger} from '../../support/logging.ts';
import {crashing, lastLine} from '../status/pods.ts';
import type {Pod} from '../workloads.ts';

const DEADLINE_MS = 3000;
const MAX_KNOWN = 2000;

/** The last words of containers that crash, each read once a crash. */
export class LogReader {
  readonly #client: Pick<KubeClient, 'podLogs'>;
  readonly #logger: Pick<Logger, 'debug'>;
  readonly #known = new Map<string, string>();

  constructor(client: Pick<KubeClient, 'podLogs'>, logger: Pick<Logger, 'debug'>) {
    this.#client = client;
    this.#logger = logger;
  }

  /** Last log lines by the pod's uid. A log that cannot be read is left out: it would only have been of help. */
  async lastLines(pods: readonly Pod[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const pod of pods) {
      const uid = pod.metadata.uid;
      const crash = crashing(pod);
      if (uid === undefined || crash === undefined) continue;
      const id = `${uid} ${crash.container} ${crash.restarts}`;
      const line = this.#known.get(id) ?? lastLine(crash.said) ?? (await this.#read(pod, crash, signal));
      if (line === undefined) continue;
      this.#known.set(id, line);
      if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
      found.set(uid, line);
    }
    return found;
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

import {createLogger} from '../../../src/support/logging.ts';
import {lead} from '../../../src/operator/leading.ts';
import {Manager} from '../../../src/operator/manager.ts';
import {createOperatorMetrics} from '../../../src/operator/metrics.ts';
import type {KeyAsker} from '../../../src/operator/observe/key-watch.ts';
import type {KeyMint} from '../../../src/operator/reconcile/mint.ts';
import type {SimulatedApi} from './api.ts';
import {SimulatedClient} from './client.ts';
import type {Tally} from './faults.ts';
import type {Random} from './random.ts';
import {ProcessClock, type SimulatedTime} from './time.ts';

const LOGGER = createLogger({
  component: 'operator',
  level: process.env['TEST_LOG'] === '1' ? 'debug' : 'silent',
});

export const NAMESPACE = 'prod';

/** One operator: the real manager and election, with a clock and a client of its own. */
export class OperatorProcess {
  readonly name: string;
  readonly client: SimulatedClient;
  readonly manager: Manager;
  readonly clock: ProcessClock;
  readonly metrics = createOperatorMetrics();
  /** Leads, as far as it knows. */
  leading = false;
  /** Called when the program has come to its end by itself. */
  onExit: () => void = () => undefined;
  /** The program has come to its end, or was killed. */
  ended = false;
  readonly #ending = new AbortController();

  constructor(
    name: string,
    parts: {
      api: SimulatedApi;
      time: SimulatedTime;
      random: Random;
      tally: Tally;
      namespaces: readonly string[];
      askForKeys: KeyAsker | undefined;
      mintKey: KeyMint;
    },
    skew: {offsetMs?: number; rate?: number} = {},
  ) {
    this.name = name;
    this.clock = new ProcessClock(parts.time, skew);
    this.client = new SimulatedClient(name, parts.api, {...parts, clock: this.clock});
    const client = this.client.asKubeClient;
    const random = (): number => parts.random.next();
    this.manager = new Manager({
      client,
      image: 'registry.test/fraiseql-auth:1.0.0',
      namespaces: parts.namespaces,
      identity: name,
      clock: this.clock,
      random,
      logger: LOGGER,
      metrics: this.metrics,
      ask: () => Promise.resolve(undefined),
      mintKey: parts.mintKey,
      ...(parts.askForKeys && {askForKeys: parts.askForKeys}),
    });
    this.manager.watch();
    void lead(
      {
        client,
        namespace: NAMESPACE,
        name: 'fraiseql-auth-operator',
        identity: name,
        clock: this.clock,
        random,
        logger: LOGGER,
        onLeading: (leading) => {
          this.leading = leading;
        },
        work: (signal, mayWrite) => this.manager.work(signal, mayWrite),
      },
      this.#ending.signal,
    ).then(() => this.#exit());
  }

  /** As SIGKILL. */
  kill(): void {
    this.clock.kill();
    this.client.kill();
    this.ended = true;
    this.leading = false;
  }

  /** As SIGTERM. */
  end(): void {
    this.#ending.abort(new Error('ended'));
  }

  /** As SIGSTOP, and SIGCONT after so long. */
  stop(ms: number): void {
    this.clock.stop(ms);
  }

  /** The process is gone: whatever it still had in mind does not happen. */
  #exit(): void {
    if (this.ended) return;
    this.kill();
    this.onExit();
  }
}

// An instance that is changed while people use it.
import {afterAll, beforeAll, expect} from 'vitest';
import {kubectl, listObjects} from '../../support/kubectl.ts';
import {ensureShared} from './fixtures.ts';
import {NAME, runningInstance} from './instance.ts';
import {SteadyLoad} from './load.ts';
import {closeNetwork} from './network.ts';
import {ensureOperator, removeNamespaces} from './operator.ts';
import {ResourceWatch} from './watch.ts';

export const REPLICAS = 2;

export interface InstanceUnderLoad {
  readonly watch: ResourceWatch;
  readonly patch: (spec: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Forgets what the people did until now. */
  readonly fromNowOn: () => void;
  /** Expects that people went on since, in every way, and saw no error; says how much they did. */
  readonly unharmed: (what: string) => void;
  /** Waits until none of these pods is left, terminating ones counted. */
  readonly gone: (names: readonly string[]) => Promise<void>;
}

/** Brings up an instance and four people who use it without a pause; takes them away after the file's last test. */
export function instanceUnderLoad(namespace: string): InstanceUnderLoad {
  const watch = new ResourceWatch();
  let load: SteadyLoad | undefined;
  beforeAll(async () => {
    await Promise.all([ensureOperator(), ensureShared()]);
    watch.start();
    await runningInstance(watch, namespace, {
      spec: {
        replicas: REPLICAS,
        rollout: {progressDeadline: '30s'},
        // One client, who makes more requests than a person.
        rateLimits: {policy: 'None'},
      },
    });
    load = new SteadyLoad(namespace, 4);
  }, 240_000);
  afterAll(async () => {
    await load?.stop();
    watch.close();
    closeNetwork();
    await removeNamespaces(namespace);
  });
  return {
    watch,
    async patch(spec) {
      await kubectl(['patch', 'fqa', NAME, '--type=merge', '-p', JSON.stringify({spec})], {namespace});
    },
    fromNowOn() {
      load?.take();
    },
    unharmed(what) {
      const tally = load?.take();
      console.log(
        `${what}: ${tally?.logins} logins, ${tally?.refreshes} refreshes, ${tally?.verifies} verifies, ${tally?.errors.length} errors`,
      );
      expect(tally?.errors).toEqual([]);
      expect(tally?.logins).toBeGreaterThan(2);
      expect(tally?.refreshes).toBeGreaterThan(10);
      expect(tally?.verifies).toBeGreaterThan(50);
    },
    async gone(names) {
      await expect
        .poll(
          async () =>
            (await listObjects('pods', namespace)).filter(({metadata}) => names.includes(metadata.name))
              .length,
          {timeout: 60_000, interval: 500},
        )
        .toBe(0);
    },
  };
}

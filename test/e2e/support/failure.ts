// What the tests of failures share.
import {afterAll, beforeAll, expect, type TestContext} from 'vitest';
import {dumpOnFailure} from './diagnostics.ts';
import {ensureShared} from './fixtures.ts';
import {NAME, reachable} from './instance.ts';
import {closeNetwork} from './network.ts';
import {ensureOperator, removeNamespaces} from './operator.ts';
import {isReady, ResourceWatch, type BlockedOn, type FraiseQLAuth} from './watch.ts';

export interface FailureSuite {
  readonly watch: ResourceWatch;
  /** Takes a namespace for one test: it is dumped when the test fails, and removed at the end. */
  readonly claim: (onTestFailed: TestContext['onTestFailed'], namespace: string) => string;
  /** Waits until the instance is Ready, blocked on nothing, and answers. */
  readonly readyAgain: (namespace: string, timeoutMs?: number) => Promise<FraiseQLAuth>;
}

/** Brings up what a file of failures needs, and takes it away after its last test. */
export function failureSuite(): FailureSuite {
  const watch = new ResourceWatch();
  const used: string[] = [];
  beforeAll(async () => {
    await Promise.all([ensureOperator(), ensureShared()]);
    watch.start();
  }, 240_000);
  afterAll(async () => {
    watch.close();
    closeNetwork();
    await removeNamespaces(...used);
  });
  return {
    watch,
    claim(onTestFailed, namespace) {
      used.push(namespace);
      onTestFailed(dumpOnFailure(namespace, namespace));
      return namespace;
    },
    async readyAgain(namespace, timeoutMs = 240_000) {
      const healed = await watch.until(namespace, NAME, 'ready again', isReady, timeoutMs);
      expect(healed.status?.blockedOn ?? []).toEqual([]);
      await reachable(namespace);
      return healed;
    },
  };
}

/** What `blockedOn` says of an object: it names it, and says what to do. */
export function blockedOn(resource: FraiseQLAuth, kind: string, name: string): BlockedOn {
  const found = resource.status?.blockedOn?.find(
    ({objectRef}) => objectRef?.kind === kind && objectRef.name === name,
  );
  expect(
    found,
    `blockedOn names ${kind} ${name}: ${JSON.stringify(resource.status?.blockedOn)}`,
  ).toBeDefined();
  expect(found?.hint, 'a hint says what to do').toMatch(/\w+ \w+/);
  return found ?? {reason: '', message: ''};
}

import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {ApiError, KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {Reflector} from '../../../src/kube/reflector.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {eventually} from './eventually.ts';

let api: TestApiServer;

beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api.stop());

interface ConfigMap extends KubeObject {
  data: Record<string, string>;
}

const [AT_LEAST_MS, AT_MOST_MS] = [6000, 60_000];

test('ten watches and a stream of calls over a network that breaks in every way: all ends well', async () => {
  const {admin} = api;
  const proxy = await startFaultProxy(api.port);
  const path = await api.kubeconfig('chaos', {
    groups: ['system:masters'],
    server: `https://127.0.0.1:${proxy.port}`,
  });
  const client = await KubeClient.fromKubeconfig(path);
  const reflectors = Array.from(
    {length: 10},
    () =>
      new Reflector<ConfigMap>(client, RESOURCES.ConfigMap, {
        namespace: 'default',
        silenceMs: 500,
        watchSeconds: 2,
      }),
  );
  let [told, failed, succeeded] = [0, 0, 0];
  const others: unknown[] = [];
  for (const reflector of reflectors) {
    reflector.onChange(() => told++);
    reflector.start();
  }
  const ending = new AbortController();
  const write = async (): Promise<void> => {
    for (let turn = 0; !ending.signal.aborted; turn++) {
      const name = `c${turn % 20}`;
      const object: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {name, namespace: 'default'},
        data: {turn: String(turn)},
      };
      if (turn % 7 === 6) await admin.delete(RESOURCES.ConfigMap, object.metadata);
      else await admin.apply(RESOURCES.ConfigMap, object, {fieldManager: 'm', force: true});
      await delay(5);
    }
  };
  const call = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), 150);
      try {
        await client.list(RESOURCES.ConfigMap, {namespace: 'default', timeoutMs: 300, signal: abort.signal});
        succeeded++;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 0)) others.push(error);
        failed++;
      }
      clearTimeout(timer);
      await delay(5);
    }
  };
  const faults = [
    () => proxy.reset(),
    () => proxy.mute(true),
    () => proxy.mute(false),
    () => proxy.refuse(true),
    () => proxy.refuse(false),
    () => proxy.refuse(false),
  ];
  const disturb = async (): Promise<void> => {
    for (let fault = 0; !ending.signal.aborted; fault = (fault * 5 + 7) % 1009) {
      faults[fault % faults.length]?.();
      await delay(fault % 90);
    }
  };
  const work = [write(), call(), call(), call(), disturb()];
  const started = performance.now();
  const enough = (): boolean => told > 100 && failed > 10 && succeeded > 10;
  for (let passed = 0; passed < AT_LEAST_MS || (!enough() && passed < AT_MOST_MS);) {
    await delay(250);
    passed = performance.now() - started;
  }
  ending.abort();
  await Promise.all(work);
  proxy.mute(false);
  proxy.refuse(false);

  expect(others).toEqual([]);
  expect(enough(), `told ${told}, failed ${failed}, succeeded ${succeeded}`).toBe(true);
  const {items} = await admin.list<ConfigMap>(RESOURCES.ConfigMap, {namespace: 'default'});
  const wanted = items.map((item) => `${item.metadata.name} ${item.data['turn']}`).toSorted();
  for (const reflector of reflectors) {
    const seen = (): string =>
      reflector.store
        .list()
        .map((item) => `${item.metadata.name} ${item.data['turn']}`)
        .toSorted()
        .join();
    await eventually(seen, (text) => text === wanted.join());
  }
  // One connection a watch, and few for calls: none was left behind.
  await eventually(
    () => proxy.open,
    (open) => open <= 10 + 6,
  );
  await Promise.all(reflectors.map((reflector) => reflector.stop()));
  await client.close();
  await eventually(
    () => proxy.open,
    (open) => open === 0,
  );
  await proxy.close();
});

import {once} from 'node:events';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Change} from '../../../src/kube/mirror.ts';
import {Reflector, type ReflectorOptions, type ReflectorPort} from '../../../src/kube/reflector.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {eventually} from './eventually.ts';

let api: TestApiServer;
let admin: KubeClient;
const running: {stop(): Promise<void>}[] = [];

beforeAll(async () => {
  api = await startApiServer();
  admin = api.admin;
});
afterAll(() => api.stop());
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

async function namespace(): Promise<string> {
  const {metadata} = await admin.create<KubeObject>(RESOURCES.Namespace, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {generateName: 'reflector-', name: ''},
  });
  return metadata.name;
}

function configMap(name: string, namespace: string, data: Record<string, string> = {}): ConfigMap {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name, namespace}, data};
}

/** A reflector that runs until the test ends, and all that it tells. */
function reflect(
  client: KubeClient,
  options: ReflectorOptions<ConfigMap>,
): {reflector: Reflector<ConfigMap>; changes: Change<ConfigMap>[]; log: string[]} {
  const log: string[] = [];
  const logger = {
    debug: (fields: object, message?: string) => log.push(`${message} ${JSON.stringify(fields)}`),
    warn: (fields: object, message?: string) => log.push(`${message} ${JSON.stringify(fields)}`),
    error: (fields: object, message?: string) => log.push(`${message} ${JSON.stringify(fields)}`),
  };
  const reflector = new Reflector<ConfigMap>(client, RESOURCES.ConfigMap, {
    ...options,
    logger,
  });
  const changes: Change<ConfigMap>[] = [];
  reflector.onChange((change) => changes.push(change));
  running.push(reflector);
  reflector.start();
  return {reflector, changes, log};
}

const summary = (changes: readonly Change<ConfigMap>[]): string[] =>
  changes.map((change) => `${change.type} ${change.object.metadata.name}`);

describe('in step with the server', () => {
  test('what is there is added, page by page, and what happens follows', async () => {
    const home = await namespace();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name) => admin.create(RESOURCES.ConfigMap, configMap(name, home))));
    const {reflector, changes} = reflect(admin, {namespace: home, pageSize: 2});
    expect(reflector.hasSynced()).toBe(false);
    await reflector.synced();
    expect(reflector.hasSynced()).toBe(true);
    expect(summary(changes)).toEqual(names.map((name) => `added ${name}`));
    const before = reflector.store.get(`${home}/b`);
    await admin.mergePatch(RESOURCES.ConfigMap, {name: 'a', namespace: home}, {data: {x: '1'}});
    await admin.delete(RESOURCES.ConfigMap, {name: 'c', namespace: home});
    await admin.create(RESOURCES.ConfigMap, configMap('f', home));
    await eventually(
      () => changes.length,
      (count) => count === 8,
    );
    expect(summary(changes.slice(5))).toEqual(['modified a', 'deleted c', 'added f']);
    expect(changes[5]?.previous?.data).toBeUndefined();
    expect(reflector.store.get(`${home}/a`)?.data).toEqual({x: '1'});
    expect(reflector.store.get(`${home}/b`)).toBe(before);
    expect(reflector.store.get(`${home}/c`)).toBeUndefined();
    expect(reflector.store.list().some((object) => object.metadata.managedFields !== undefined)).toBe(false);
  });

  test('it keeps what transform gives, and nothing of what it gives nothing for', async () => {
    const home = await namespace();
    await admin.create(RESOURCES.ConfigMap, configMap('kept', home, {big: 'x'}));
    await admin.create(RESOURCES.ConfigMap, configMap('left', home));
    const {reflector} = reflect(admin, {
      namespace: home,
      transform: ({apiVersion, kind, metadata}) =>
        metadata.name === 'left' ? undefined : {apiVersion, kind, metadata},
    });
    await reflector.synced();
    expect(reflector.store.keys()).toEqual([`${home}/kept`]);
    expect(reflector.store.list()[0]).not.toHaveProperty('data');
  });

  test('a handler that throws is logged; the others and what follows go on', async () => {
    const home = await namespace();
    const {reflector, changes, log} = reflect(admin, {namespace: home});
    const late: string[] = [];
    reflector.onChange(() => {
      throw new Error('a fault in a handler');
    });
    reflector.onChange((change) => late.push(change.object.metadata.name));
    await reflector.synced();
    for (const name of ['a', 'b']) await admin.create(RESOURCES.ConfigMap, configMap(name, home));
    await eventually(
      () => late.length,
      (count) => count === 2,
    );
    expect(changes).toHaveLength(2);
    expect(log.filter((line) => line.startsWith('a handler of configmaps threw'))).toHaveLength(2);
  });

  test('metadata alone', async () => {
    const home = await namespace();
    await admin.create(RESOURCES.ConfigMap, configMap('a', home, {big: 'x'}));
    const {reflector, changes} = reflect(admin, {namespace: home, metadataOnly: true});
    await reflector.synced();
    await admin.mergePatch(RESOURCES.ConfigMap, {name: 'a', namespace: home}, {data: {y: '1'}});
    await eventually(
      () => changes.length,
      (count) => count === 2,
    );
    expect(changes.every(({object}) => object.kind === 'ConfigMap' && object.data === undefined)).toBe(true);
  });
});

describe('when things break', () => {
  test('a watch that the server ends goes on from where it was, without a list', async () => {
    const home = await namespace();
    let [lists, watches] = [0, 0];
    const counting = {
      pages: (...args: Parameters<KubeClient['pages']>) => {
        lists++;
        return admin.pages(...args);
      },
      watch: (...args: Parameters<KubeClient['watch']>) => {
        watches++;
        return admin.watch(...args);
      },
    } as Pick<KubeClient, 'pages' | 'watch'> as KubeClient;
    const {reflector, changes} = reflect(counting, {namespace: home, watchSeconds: 1});
    await reflector.synced();
    for (let second = 0; second < 4; second++) {
      await admin.create(RESOURCES.ConfigMap, configMap(`c${second}`, home));
      await new Promise((resolve) => {
        setTimeout(resolve, 1000);
      });
    }
    await eventually(
      () => summary(changes),
      (all) => all.length === 4,
    );
    expect(lists).toBe(1);
    expect(watches).toBeGreaterThanOrEqual(3);
  });

  test('bookmarks move the place to go on from, though nothing of ours happens', async () => {
    const home = await namespace();
    // The server sends a bookmark two seconds before it ends a watch.
    const {reflector, changes} = reflect(admin, {namespace: home, watchSeconds: 4});
    await reflector.synced();
    const before = Number(reflector.resourceVersion);
    for (let write = 0; write < 5; write++) {
      await admin.create(RESOURCES.ConfigMap, configMap(`elsewhere-${write}-${home}`, 'default'));
    }
    await eventually(
      () => Number(reflector.resourceVersion),
      (version) => version >= before + 5,
    );
    expect(changes).toEqual([]);
  });

  test('the API server restarts: nothing is lost, and what happens afterwards is seen', async () => {
    const home = await namespace();
    await admin.create(RESOURCES.ConfigMap, configMap('before', home));
    const {reflector, changes} = reflect(admin, {namespace: home});
    await reflector.synced();
    await api.restart();
    await admin.create(RESOURCES.ConfigMap, configMap('after', home));
    await eventually(
      () => summary(changes),
      (all) => all.length === 2,
    );
    expect(summary(changes)).toEqual(['added before', 'added after']);
  });

  test('a server that has forgotten (410): listed anew, with what came and what went', async () => {
    const home = await namespace();
    const proxy = await startFaultProxy(api.port);
    const path = await api.kubeconfig('lagging', {
      groups: ['system:masters'],
      server: `https://127.0.0.1:${proxy.port}`,
    });
    const client = await KubeClient.fromKubeconfig(path);
    await admin.create(RESOURCES.ConfigMap, configMap('stays', home, {a: '1'}));
    await admin.create(RESOURCES.ConfigMap, configMap('goes', home));
    const again = await admin.create(RESOURCES.ConfigMap, configMap('made-anew', home));
    const {reflector, changes, log} = reflect(client, {namespace: home});
    await reflector.synced();
    const stays = reflector.store.get(`${home}/stays`);
    proxy.refuse(true);
    proxy.reset();
    await admin.delete(RESOURCES.ConfigMap, {name: 'goes', namespace: home});
    await admin.delete(RESOURCES.ConfigMap, again.metadata);
    const remade = await admin.create(RESOURCES.ConfigMap, configMap('made-anew', home));
    await admin.create(RESOURCES.ConfigMap, configMap('comes', home));
    await api.compact();
    await api.restart();
    proxy.refuse(false);
    await eventually(
      () => summary(changes).slice(3).toSorted(),
      (all) => all.length === 4,
    );
    expect(summary(changes).slice(3).toSorted()).toEqual([
      'added comes',
      'added made-anew',
      'deleted goes',
      'deleted made-anew',
    ]);
    expect(reflector.store.get(`${home}/made-anew`)?.metadata.uid).toBe(remade.metadata.uid);
    expect(reflector.store.get(`${home}/stays`)).toBe(stays);
    expect(log.join('\n')).toContain('the watch fell behind: listing anew');
    await reflector.stop();
    await client.close();
    await proxy.close();
  });

  test('a connection that is open and silent is found out and replaced', async () => {
    const home = await namespace();
    const proxy = await startFaultProxy(api.port);
    const path = await api.kubeconfig('half-open', {
      groups: ['system:masters'],
      server: `https://127.0.0.1:${proxy.port}`,
    });
    const client = await KubeClient.fromKubeconfig(path);
    const {reflector, changes, log} = reflect(client, {namespace: home, silenceMs: 1000});
    await reflector.synced();
    await admin.create(RESOURCES.ConfigMap, configMap('heard', home));
    await eventually(
      () => changes.length,
      (count) => count === 1,
    );
    proxy.mute(true);
    await admin.create(RESOURCES.ConfigMap, configMap('unheard', home));
    await new Promise((resolve) => {
      setTimeout(resolve, 700);
    });
    expect(changes).toHaveLength(1);
    expect(reflector.lastActivityMs()).toBeGreaterThan(600);
    // What was open stays mute in the real fault; new connections work.
    await eventually(
      () => log.join('\n'),
      (text) => text.includes('WatchStalled'),
    );
    proxy.mute(false);
    await eventually(
      () => summary(changes),
      (all) => all.includes('added unheard'),
    );
    expect(reflector.lastActivityMs()).toBeLessThan(5000);
    await reflector.stop();
    await client.close();
    await proxy.close();
  });

  test('a watch that is doubted ends, and what it kept to itself is listed; but not over and over', async () => {
    const home = await namespace();
    let later = 0;
    let lists = 0;
    const port: ReflectorPort = {
      pages: (...args: Parameters<KubeClient['pages']>) => {
        lists++;
        return admin.pages(...args);
      },
      watch: async function* (...args: Parameters<KubeClient['watch']>) {
        // The first says nothing, and stays open.
        if (lists > 1) yield* admin.watch(...args);
        else await once(args[1].signal ?? new AbortController().signal, 'abort');
      },
    } as ReflectorPort;
    const clock = {...systemClock, monotonic: () => systemClock.monotonic() + later};
    const {reflector, changes} = reflect(port as KubeClient, {namespace: home, clock});
    await reflector.synced();
    await admin.create(RESOURCES.ConfigMap, configMap('unheard', home));
    const writtenAt = clock.monotonic();
    reflector.doubt();
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    expect([lists, changes.length, reflector.listedSince(writtenAt)]).toEqual([1, 0, false]);
    later = 31_000;
    reflector.doubt();
    await eventually(
      () => summary(changes),
      (all) => all.includes('added unheard'),
    );
    expect([lists, reflector.listedSince(writtenAt)]).toEqual([2, true]);
    reflector.doubt();
    await admin.create(RESOURCES.ConfigMap, configMap('heard', home));
    await eventually(
      () => summary(changes),
      (all) => all.includes('added heard'),
    );
    expect(lists).toBe(2);
  });

  test('connections that are reset over and over are not hammered', async () => {
    const home = await namespace();
    const proxy = await startFaultProxy(api.port);
    const path = await api.kubeconfig('hammer', {
      groups: ['system:masters'],
      server: `https://127.0.0.1:${proxy.port}`,
    });
    const client = await KubeClient.fromKubeconfig(path);
    let watches = 0;
    const counting = {
      pages: (...args: Parameters<KubeClient['pages']>) => client.pages(...args),
      watch: (...args: Parameters<KubeClient['watch']>) => {
        watches++;
        return client.watch(...args);
      },
    } as Pick<KubeClient, 'pages' | 'watch'> as KubeClient;
    const {reflector, changes} = reflect(counting, {namespace: home});
    await reflector.synced();
    const timer = setInterval(() => proxy.reset(), 5);
    await new Promise((resolve) => {
      setTimeout(resolve, 4000);
    });
    clearInterval(timer);
    expect(watches).toBeLessThan(25);
    await admin.create(RESOURCES.ConfigMap, configMap('after', home));
    await eventually(
      () => summary(changes),
      (all) => all.includes('added after'),
    );
    await reflector.stop();
    await client.close();
    await proxy.close();
  });

  test('a change that was missed is found by the periodic list', async () => {
    const home = await namespace();
    await admin.create(RESOURCES.ConfigMap, configMap('phantom', home));
    const {reflector, changes} = reflect(admin, {namespace: home, relistMs: 500, watchSeconds: 1});
    await reflector.synced();
    // As if the event of its deletion had been lost.
    const lost = configMap('never-there', home);
    lost.metadata.uid = 'x';
    lost.metadata.resourceVersion = '1';
    reflector.store.set(lost);
    await eventually(
      () => changes.length,
      (count) => count === 2,
    );
    expect(summary(changes)).toEqual(['added phantom', 'deleted never-there']);
  });

  test('stopped before it could list: whoever waits is told, and nothing is left', async () => {
    const dead = await KubeClient.fromKubeconfig(
      await api.kubeconfig('dead', {server: 'https://127.0.0.1:1'}),
    );
    const {reflector} = reflect(dead, {namespace: 'default'});
    const synced = reflector.synced();
    await reflector.stop();
    await expect(synced).rejects.toThrow('was stopped');
    await dead.close();
  });
});

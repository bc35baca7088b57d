import {mkdtemp, rm, writeFile, copyFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {eventually} from '../../support/eventually.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await sharedApiServer();
});
afterAll(() => api.stop());

describe('connections and credentials', () => {
  test('watches take no connection away from calls, however many there are', async () => {
    const client = await api.client();
    const abort = new AbortController();
    const events: string[] = [];
    let open = 0;
    const options = {resourceVersion: '0', signal: abort.signal, onOpen: () => void open++};
    const watch = async (): Promise<void> => {
      for await (const {type} of client.watch(RESOURCES.Lease, options)) events.push(type);
    };
    const watches = Array.from({length: 80}, watch);
    await eventually(() => open === watches.length);
    await Promise.all(Array.from({length: 100}, () => client.get(RESOURCES.Namespace, {name: 'default'})));
    abort.abort();
    expect(await Promise.allSettled(watches)).toEqual(
      watches.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({status: 0, reason: 'Aborted'}) as unknown,
      })),
    );
    await client.close();
  });

  test('fifty calls one after the other share a connection', async () => {
    const proxy = await startFaultProxy(api.port);
    const client = await KubeClient.fromKubeconfig(
      await api.kubeconfig('counted', {
        groups: ['system:masters'],
        server: `https://127.0.0.1:${proxy.port}`,
      }),
    );
    for (let call = 0; call < 50; call++) await client.get(RESOURCES.Namespace, {name: 'default'});
    // A second one, when a call is made in the very moment the last one's connection is put back.
    expect(proxy.taken).toBeLessThanOrEqual(2);
    await client.close();
    await proxy.close();
  });

  test('a token that is rotated in its file is used from then on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fraiseql-token-'));
    await copyFile(api.caPath, join(directory, 'ca.crt'));
    await writeFile(join(directory, 'token'), 'token-a\n');
    const client = await KubeClient.inCluster(
      {KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port)},
      directory,
      {accessCheckMs: 0},
    );
    expect(await whoAmI(client)).toBe('alice');
    await writeFile(join(directory, 'token'), 'token-b\n');
    expect(await whoAmI(client)).toBe('bob');
    await rm(join(directory, 'token'));
    expect(await whoAmI(client)).toBe('bob');
    await client.close();
    await rm(directory, {recursive: true});
  });

  test('a token that was refused is read anew and the call repeated', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fraiseql-token-'));
    await copyFile(api.caPath, join(directory, 'ca.crt'));
    await writeFile(join(directory, 'token'), 'token-expired\n');
    const client = await KubeClient.inCluster(
      {KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port)},
      directory,
      {accessCheckMs: 3_600_000},
    );
    await expect(whoAmI(client)).rejects.toMatchObject({status: 401});
    await writeFile(join(directory, 'token'), 'token-a\n');
    expect(await whoAmI(client)).toBe('alice');
    await client.close();
    await rm(directory, {recursive: true});
  });
});

async function whoAmI(client: KubeClient): Promise<unknown> {
  const reviews: ResourceType = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    namespaced: false,
  };
  const review = await client.create<KubeObject & {status?: {userInfo: {username: string}}}>(reviews, {
    apiVersion: reviews.apiVersion,
    kind: reviews.kind,
    metadata: {name: ''},
  });
  return review.status?.userInfo.username;
}

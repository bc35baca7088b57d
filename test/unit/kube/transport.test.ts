import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {accessFromEnvironment} from '../../../src/kube/access.ts';
import {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, pathOf, type KubeObject} from '../../../src/kube/objects.ts';

// A real API server does not answer 429 or 503 when asked to, so this one stands in for it.
let server: Server;
let url: string;
let answers: ((request: IncomingMessage, response: ServerResponse) => void)[];
let requests: string[];
let client: KubeClient;
let told: string[];

beforeEach(async () => {
  answers = [];
  requests = [];
  told = [];
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = answers.shift() ?? ok;
    request.resume().once('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  url = `http://127.0.0.1:${address.port}`;
  client = new KubeClient(
    {
      description: 'the test',
      load: async () => ({server: url, tls: {}, headers: {authorization: 'Bearer t'}, files: []}),
    },
    {random: () => 0, metrics: {request: (verb, code) => told.push(`${verb} ${code}`)}},
  );
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

function ok(_: IncomingMessage, response: ServerResponse): void {
  response.end(JSON.stringify({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a'}, items: []}));
}
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(code, headers).end(JSON.stringify({kind: 'Status', code, message: 'not now'}));
  };
const reset = (request: IncomingMessage): void => {
  request.socket.resetAndDestroy();
};
const key = {namespace: 'ns', name: 'a'};
const object = {apiVersion: 'v1', kind: 'ConfigMap', metadata: key};

test('429 is waited out as long as Retry-After says, for a POST as well', async () => {
  answers = [status(429, {'retry-after': '0.2'}), ok];
  const startedAt = performance.now();
  await client.create(RESOURCES.ConfigMap, object);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
  expect(requests).toHaveLength(2);
  expect(told).toEqual(['create 429', 'create 200']);
});

test('a Retry-After beyond the deadline is not waited for, and is told to the caller', async () => {
  answers = [status(429, {'retry-after': '60'})];
  await expect(client.get(RESOURCES.ConfigMap, key, {timeoutMs: 500})).rejects.toMatchObject({
    status: 429,
    retryAfterMs: 60_000,
  });
  expect(requests).toHaveLength(1);
});

test('it does not try for ever', async () => {
  answers = Array.from({length: 20}, () => status(429, {'retry-after': '0.01'}));
  await expect(client.get(RESOURCES.ConfigMap, key)).rejects.toMatchObject({status: 429});
  expect(requests).toHaveLength(5);
});

test('503 with Retry-After is repeated where that does no harm; a POST is not, nor a plain 5xx', async () => {
  answers = [status(503, {'retry-after': '0.01'}), ok];
  await client.apply(RESOURCES.ConfigMap, object, {fieldManager: 'm'});
  expect(requests).toHaveLength(2);
  answers = [status(503, {'retry-after': '0.01'})];
  await expect(client.create(RESOURCES.ConfigMap, object)).rejects.toMatchObject({status: 503});
  for (const code of [500, 502, 503, 504]) {
    answers = [status(code)];
    await expect(client.get(RESOURCES.ConfigMap, key)).rejects.toMatchObject({status: code});
  }
  expect(requests).toHaveLength(7);
});

test('a reset connection: a read is repeated, a write is not', async () => {
  answers = [reset, reset, ok];
  await client.get(RESOURCES.ConfigMap, key);
  expect(requests).toHaveLength(3);
  answers = [reset];
  await expect(client.create(RESOURCES.ConfigMap, object)).rejects.toMatchObject({
    status: 0,
    reason: 'ConnectionReset',
  });
  answers = [reset];
  await expect(client.mergePatch(RESOURCES.ConfigMap, key, {})).rejects.toMatchObject({
    reason: 'ConnectionReset',
  });
  expect(requests).toHaveLength(5);
  expect(told.slice(0, 3)).toEqual(['get <error>', 'get <error>', 'get 200']);
});

test('a signal ends the waiting between tries', async () => {
  answers = [status(429, {'retry-after': '5'})];
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const startedAt = performance.now();
  await expect(client.get(RESOURCES.ConfigMap, key, {signal: abort.signal})).rejects.toMatchObject({
    reason: 'Aborted',
  });
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test('an answer that is no JSON, and one that is cut off', async () => {
  answers = [(_, response) => response.end('<html>')];
  await expect(client.get(RESOURCES.ConfigMap, key)).rejects.toMatchObject({
    status: 0,
    reason: 'BadResponse',
  });
  const cut = (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, {'content-length': '100'}).write('{"api');
    setTimeout(() => request.socket.destroy(), 10);
  };
  answers = [cut];
  await expect(client.create(RESOURCES.ConfigMap, object)).rejects.toMatchObject({reason: 'ConnectionReset'});
});

test('a list: no JSON, an item that is none, and one that is cut off and then asked for anew', async () => {
  answers = [(_, response) => response.end('<html>')];
  await expect(client.list(RESOURCES.ConfigMap)).rejects.toMatchObject({reason: 'BadResponse'});
  const item = JSON.stringify(object);
  answers = [
    (_, response) => {
      response.write(`{"items":[${item},{"metadata":secret}`);
      setTimeout(() => response.end(`,${item}],"metadata":{}}`), 10);
    },
  ];
  const error: unknown = await client.list(RESOURCES.ConfigMap).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({reason: 'BadResponse'});
  expect(String(error)).not.toContain('secret');
  answers = [
    (request, response) => {
      response.writeHead(200, {'content-length': '1000'}).write(`{"items":[${item},${item},{"meta`);
      setTimeout(() => request.socket.destroy(), 10);
    },
    (_, response) => response.end(`{"metadata":{"resourceVersion":"7"},"items":[${item}]}`),
  ];
  const {items, resourceVersion} = await client.list<KubeObject>(RESOURCES.ConfigMap);
  expect(items.map(({metadata}) => metadata.name)).toEqual([object.metadata.name]);
  expect(resourceVersion).toBe('7');
});

test('watch: events across chunks, bookmarks, an ERROR event, garbage', async () => {
  const lines = (...events: unknown[]): string =>
    events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const text = lines(
    {
      type: 'ADDED',
      object: {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'ü', resourceVersion: '5'}},
    },
    {type: 'BOOKMARK', object: {kind: 'ConfigMap', metadata: {resourceVersion: '9'}}},
    {type: 'ERROR', object: {kind: 'Status', code: 410, reason: 'Expired', message: 'too old'}},
  );
  answers = [
    async (_, response) => {
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
      response.end();
    },
  ];
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const event of client.watch(RESOURCES.ConfigMap, {resourceVersion: '4'})) {
      seen.push(event.type === 'BOOKMARK' ? `bookmark ${event.resourceVersion}` : event.object.metadata.name);
    }
  };
  await expect(read()).rejects.toMatchObject({status: 410, reason: 'Expired'});
  expect(seen).toEqual(['ü', 'bookmark 9']);
  expect(told).toEqual(['watch 200']);
  expect(requests[0]).toBe(
    'GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=4&timeoutSeconds=300',
  );
  answers = [(_, response) => response.end('{"type":\n')];
  await expect(read()).rejects.toMatchObject({reason: 'BadResponse'});
  answers = [(_, response) => response.end(lines({type: 'NEWS', object: {}}))];
  await expect(read()).rejects.toMatchObject({reason: 'BadResponse'});
});

test('a watch that its reader leaves closes its connection', async () => {
  let closed = false;
  answers = [
    (request, response) => {
      request.socket.once('close', () => (closed = true));
      response.write(`${JSON.stringify({type: 'ADDED', object: {metadata: {name: 'a'}}})}\n`);
    },
  ];
  for await (const event of client.watch(RESOURCES.ConfigMap, {resourceVersion: '4'})) {
    expect(event.type).toBe('ADDED');
    break;
  }
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  expect(closed).toBe(true);
});

test('paths', () => {
  expect(pathOf(RESOURCES.Deployment, {namespace: 'ns', name: 'a', subresource: 'status'})).toBe(
    '/apis/apps/v1/namespaces/ns/deployments/a/status',
  );
  expect(pathOf(RESOURCES.Namespace, {name: 'a/../b'})).toBe('/api/v1/namespaces/a%2F..%2Fb');
  expect(pathOf(RESOURCES.Pod)).toBe('/api/v1/pods');
  expect(() => pathOf(RESOURCES.Pod, {name: 'a'})).toThrow('the namespace is missing');
});

test('where the cluster is looked for, and what is said when there is none', async () => {
  const home = await mkdtemp(join(tmpdir(), 'fraiseql-home-'));
  const path = join(home, 'config');
  const before = process.env['HOME'];
  process.env['HOME'] = home;
  try {
    await expect(accessFromEnvironment({})).rejects.toThrow('set KUBECONFIG to the path of a kubeconfig');
    const missing = await accessFromEnvironment({KUBECONFIG: path});
    await expect(missing.load()).rejects.toThrow(path);
    const config = {
      contexts: [{name: 'c', context: {cluster: 'k', user: 'u'}}],
      clusters: [{name: 'k', cluster: {server: 'https://k.example.com'}}],
      users: [{name: 'u', user: {token: 'secret'}}],
    };
    await writeFile(path, JSON.stringify(config));
    await expect(missing.load()).rejects.toThrow('kubectl config use-context NAME');
    await writeFile(path, JSON.stringify({...config, 'current-context': 'c'}));
    expect(await missing.load()).toMatchObject({
      server: 'https://k.example.com',
      headers: {authorization: 'Bearer secret'},
      files: [path],
    });
  } finally {
    process.env['HOME'] = before;
    await rm(home, {recursive: true});
  }
});

test('a 401 to credentials that could not be read anew says why, as long as they cannot', async () => {
  let reading: Error | undefined;
  const rotating = new KubeClient({
    description: 'the kubeconfig /k',
    async load() {
      if (reading !== undefined) throw reading;
      return {server: url, tls: {}, headers: {authorization: 'Bearer t'}, files: []};
    },
  });
  await rotating.get(RESOURCES.ConfigMap, key);
  const refused = async (): Promise<string> => {
    answers = [status(401), status(401)];
    const error: unknown = await rotating.get(RESOURCES.ConfigMap, key).catch((failure: unknown) => failure);
    expect(error).toMatchObject({status: 401});
    return String(error);
  };
  reading = new Error('bad indentation (2:9)\n 1 | token: hunter2');
  expect(await refused()).toMatch(/401 .*; cannot read the kubeconfig \/k: bad indentation \(2:9\)$/);
  reading = undefined;
  expect(await refused()).not.toContain('cannot read');
  await rotating.close();
});

import {readFile, writeFile} from 'node:fs/promises';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import {Agent, request as httpsRequest} from 'node:https';
import {setTimeout as delay} from 'node:timers/promises';
import type {Random} from './simulation/random.ts';

/** A write as it went on to the API server. */
export interface ProxiedWrite {
  /** `performance.now()` when it was passed on, and when its answer was there. */
  readonly at: number;
  answeredAt: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  status: number;
}

/** What goes wrong on the way, each as a share of the requests (or watch events). */
export interface HttpFaults {
  readonly tooManyRequests?: number;
  readonly serverError?: number;
  readonly conflict?: number;
  /** Reset before the API server has seen the request, or after it has done it. */
  readonly resetBefore?: number;
  readonly resetAfter?: number;
  /** Every event of a watch comes that much later, in milliseconds. */
  readonly lagMs?: number;
  /** Events of one object that came shortly after each other: only the last is passed on. */
  readonly coalesce?: boolean;
  readonly dropped?: number;
  /** Watches stay open and say nothing more. */
  readonly mute?: boolean;
  /** No answer at all, and none of it is passed on. */
  readonly silent?: boolean;
  /** Only paths that hold this, of all requests. */
  readonly only?: string;
}

/**
 * An HTTP proxy for one client before a real API server, so that what this client writes is known from others', and
 * single answers can go wrong, as no TCP proxy could make them.
 */
export interface ApiProxy {
  /** For the client: the address of this proxy, as whoever the proxy is. */
  readonly kubeconfigPath: string;
  readonly writes: readonly ProxiedWrite[];
  readonly counts: ReadonlyMap<string, number>;
  faults: HttpFaults;
  /** Ends all watches. The next asks for a version that is "too old" when `expired`. */
  cutWatches(options?: {expired?: boolean}): void;
  close(): Promise<void>;
}

/** Stands before the API server of this kubeconfig (one with a client certificate), and is its user. */
export async function startApiProxy(kubeconfigPath: string, name: string, random: Random): Promise<ApiProxy> {
  const config = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as {
    clusters: [{cluster: {server: string; 'certificate-authority-data': string}}];
    users: [{user: {'client-certificate-data': string; 'client-key-data': string}}];
  };
  const {cluster} = config.clusters[0];
  const {user} = config.users[0];
  const pem = (base64: string): Buffer => Buffer.from(base64, 'base64');
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  });
  const writes: ProxiedWrite[] = [];
  const counts = new Map<string, number>();
  const watches = new Set<() => void>();
  let expired = 0;
  let faults: HttpFaults = {};
  const count = (fault: string): true => {
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    return true;
  };
  const strikes = (
    fault: 'tooManyRequests' | 'serverError' | 'conflict' | 'resetBefore' | 'resetAfter' | 'dropped',
  ) => random.chance(faults[fault] ?? 0) && count(fault);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const {method = 'GET', url = '/'} = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const [path = '', query = ''] = url.split('?');
    const watching = query.includes('watch=true');
    const subject = faults.only === undefined || path.includes(faults.only);
    if (subject) {
      if (faults.silent === true) {
        count('silent');
        return;
      }
      if (watching && expired > 0) {
        expired--;
        count('expired');
        return refuse(response, 410, 'Expired');
      }
      if (strikes('tooManyRequests')) return refuse(response, 429, 'TooManyRequests', {'retry-after': '1'});
      if (strikes('serverError')) return refuse(response, random.pick([500, 502, 503, 504]), 'InternalError');
      if (['PATCH', 'PUT'].includes(method) && strikes('conflict')) return refuse(response, 409, 'Conflict');
      if (strikes('resetBefore')) return void request.socket.destroy();
    }
    const write: ProxiedWrite = {at: performance.now(), answeredAt: Infinity, method, path, status: 0};
    if (method !== 'GET') writes.push(write);
    const upstream = httpsRequest(`${cluster.server}${url}`, {
      agent,
      method,
      headers: {...request.headers, host: new URL(cluster.server).host, connection: 'keep-alive'},
    });
    response.once('close', () => upstream.destroy());
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve).once('error', reject).end(body);
    });
    const status = answer.statusCode ?? 502;
    if (watching && status === 200) {
      response.writeHead(status, {'content-type': 'application/json'});
      await passOn(answer, response);
      return;
    }
    const parts: Buffer[] = [];
    for await (const chunk of answer) parts.push(chunk as Buffer);
    write.answeredAt = performance.now();
    write.status = status;
    if (subject && strikes('resetAfter')) return void request.socket.destroy();
    const {connection: _, 'transfer-encoding': __, ...headers} = answer.headers;
    response.writeHead(status, headers).end(Buffer.concat(parts));
  };

  /** The events of a watch, as late and as incomplete as the faults say. */
  const passOn = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
    const end = (): void => {
      response.destroy();
      answer.destroy();
    };
    watches.add(end);
    const queue: {line: string; due: number; id: string}[] = [];
    let rest = '';
    let over = false;
    let news = Promise.withResolvers<void>();
    answer.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const id = /"uid":"([^"]+)"/.exec(line)?.[1] ?? '';
        const modified = line.startsWith('{"type":"MODIFIED"');
        if (modified && strikes('dropped')) continue;
        const before = queue.at(-1);
        if (
          faults.coalesce === true &&
          modified &&
          before?.id === id &&
          before.line.startsWith('{"type":"MOD')
        ) {
          count('coalesced');
          queue.pop();
        }
        if (faults.lagMs !== undefined) count('lagged');
        queue.push({line, due: performance.now() + (faults.lagMs ?? 0), id});
      }
      news.resolve();
    });
    answer.once('close', () => {
      over = true;
      news.resolve();
    });
    try {
      while (!response.destroyed) {
        const next = queue[0];
        if (next === undefined) {
          if (over) break;
          await news.promise;
          news = Promise.withResolvers<void>();
          continue;
        }
        const left = next.due - performance.now();
        if (left > 0) await delay(left);
        if (faults.mute === true) {
          count('muted');
          await delay(50);
          continue;
        }
        const line = queue.shift();
        if (line !== undefined) response.write(Buffer.from(`${line.line}\n`, 'latin1'));
      }
    } finally {
      watches.delete(end);
      if (over) response.end();
      else end();
    }
  };

  const listener = createServer((request, response) => {
    // What the API server does not answer, the client does not hear either.
    handle(request, response).catch(() => request.socket.destroy());
  });
  listener.requestTimeout = 0;
  listener.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve);
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const path = `${kubeconfigPath}.${name}`;
  // It is plain HTTP; client libraries want to be told that this is meant.
  const server = `http://127.0.0.1:${address.port}`;
  const through = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'proxy',
    clusters: [{name: 'proxy', cluster: {server, 'insecure-skip-tls-verify': true}}],
    users: [{name: 'proxy', user: {}}],
    contexts: [{name: 'proxy', context: {cluster: 'proxy', user: 'proxy'}}],
  };
  await writeFile(path, JSON.stringify(through));
  return {
    kubeconfigPath: path,
    writes,
    counts,
    get faults() {
      return faults;
    },
    set faults(next) {
      faults = next;
    },
    cutWatches(options) {
      if (options?.expired === true) expired = watches.size;
      count('cut');
      for (const end of watches) end();
    },
    close() {
      listener.closeAllConnections();
      agent.destroy();
      return new Promise((resolve) => {
        listener.close(() => resolve());
      });
    },
  };
}

function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: 'a fault of the test',
  };
  response.writeHead(code, {'content-type': 'application/json', ...headers}).end(JSON.stringify(status));
}

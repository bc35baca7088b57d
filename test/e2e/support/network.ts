// How a test reaches what runs in the cluster. In the test cluster this process stands in the node's network, so the
// names of services and the addresses of pods just work; on any other each target gets a `kubectl port-forward`.
import {spawn, type ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import {getObject} from '../../support/kubectl.ts';

const direct = process.env['FRAISEQL_CLUSTER_KIND'] === 'own';
const addresses = new Map<string, Promise<string>>();
const forwards: ChildProcess[] = [];

type Scheme = 'http' | 'https';

/** The URL of a Service's port, as this process can reach it. */
export async function serviceUrl(
  namespace: string,
  name: string,
  port: number,
  scheme: Scheme = 'http',
): Promise<string> {
  if (direct) return `${scheme}://${name}.${namespace}.svc.cluster.local:${port}`;
  const host = await remembered(`${namespace}/service/${name}:${port}`, (forget) =>
    forward(namespace, `service/${name}`, port, forget),
  );
  return `${scheme}://${host}`;
}

/** `http://…` of one pod's port, as this process can reach it. */
export async function podUrl(namespace: string, name: string, port: number): Promise<string> {
  const host = await remembered(`${namespace}/pod/${name}:${port}`, async (forget) => {
    if (!direct) return forward(namespace, `pod/${name}`, port, forget);
    const pod = await getObject<{status: {podIP: string}}>('pod', name, namespace);
    return `${pod.status.podIP}:${port}`;
  });
  return `http://${host}`;
}

/**
 * Sends `https://auth.<namespace>.example.com` to that namespace's auth server, as its Ingress would, and
 * `http://<service>.<namespace>.svc.cluster.local` to that Service. `pods` says which pod is to serve instead, and
 * `scheme` what the auth server speaks.
 */
export function route(
  pods: ReadonlyMap<string, string> = new Map(),
  scheme: Scheme = 'http',
): (url: URL) => Promise<URL | undefined> {
  return async (url) => {
    const inside = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local$/.exec(url.hostname);
    if (inside !== null) {
      const [, service = '', namespace = ''] = inside;
      return moved(url, await serviceUrl(namespace, service, Number(url.port === '' ? '80' : url.port)));
    }
    const [, namespace] = /^auth\.([a-z0-9-]+)\.example\.com$/.exec(url.hostname) ?? [];
    if (namespace === undefined) return undefined;
    const pod = pods.get(namespace);
    const service = (): Promise<string> =>
      serviceUrl(namespace, 'auth', scheme === 'https' ? 443 : 80, scheme);
    return moved(url, await (pod === undefined ? service() : podUrl(namespace, pod, 8000)));
  };
}

/** Ends the port-forwards, if any; addresses are asked for anew afterwards. */
export function closeNetwork(): void {
  for (const child of forwards.splice(0)) child.kill();
  addresses.clear();
}

function moved(url: URL, base: string): URL {
  return new URL(`${url.pathname}${url.search}`, base);
}

/** An address that was found before, until `forget` is called. */
async function remembered(key: string, find: (forget: () => void) => Promise<string>): Promise<string> {
  const known = addresses.get(key);
  if (known !== undefined) return known;
  const found = find(() => addresses.delete(key));
  addresses.set(key, found);
  try {
    return await found;
  } catch (error) {
    addresses.delete(key);
    throw error;
  }
}

/** Leads to one pod, also where the target is a Service; `ended` is called when that pod has gone. */
async function forward(namespace: string, target: string, port: number, ended: () => void): Promise<string> {
  const args = ['-n', namespace, 'port-forward', '--address=127.0.0.1', target, `:${port}`];
  // Dies with this process, however that ends: who waits for the end of its output would wait for the forward's as well.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'kubectl', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  forwards.push(child);
  return new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      ended();
      reject(new Error(`kubectl port-forward ${target} ended with ${String(code)}`));
    });
    createInterface({input: child.stdout}).on('line', (line) => {
      const local = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (local !== undefined) resolve(`127.0.0.1:${local}`);
    });
  });
}

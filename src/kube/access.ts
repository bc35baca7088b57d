import {readFile, stat} from 'node:fs/promises';
import {homedir} from 'node:os';
import {delimiter, join} from 'node:path';
import type {ConnectionOptions} from 'node:tls';

/** How to reach an API server and who one is there, at one moment: tokens, certificates and CAs rotate. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path before `/api`. */
  readonly server: string;
  readonly tls: ConnectionOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly proxyUrl?: string;
  /** The files that this came from; when one of them changes it is to be loaded again. */
  readonly files: readonly string[];
}

/** Where access comes from; `load` may be called again at any time, and reads everything afresh. */
export interface AccessSource {
  /** For messages: `the kubeconfig /…`, `the service account of this pod`. */
  readonly description: string;
  load(): Promise<ClusterAccess>;
}

/** Where the kubelet mounts a pod's service account: the files `token` and `ca.crt`. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Chooses as kubectl does: KUBECONFIG (one path or a list), else the pod's service account, else ~/.kube/config.
 * @throws Error that says what was looked for, when none of them is there
 */
export async function accessFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<AccessSource> {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return kubeconfigAccess(listed);
  if (env['KUBERNETES_SERVICE_HOST'] && (await exists(join(SERVICE_ACCOUNT_DIRECTORY, 'token')))) {
    return inClusterAccess(env);
  }
  const home = join(homedir(), '.kube', 'config');
  if (await exists(home)) return kubeconfigAccess([home]);
  throw new Error(
    'no cluster to talk to: KUBECONFIG is not set, this is not a pod with a service account token ' +
      `(${SERVICE_ACCOUNT_DIRECTORY}/token), and ${home} does not exist; set KUBECONFIG to the path of a kubeconfig`,
  );
}

/**
 * The pod's own service account. The token is a bound one: the kubelet writes a new one into the same file well before
 * it expires, and so may the CA change.
 */
export function inClusterAccess(
  env: NodeJS.ProcessEnv = process.env,
  directory: string = SERVICE_ACCOUNT_DIRECTORY,
): AccessSource {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] ?? env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const files = [join(directory, 'token'), join(directory, 'ca.crt')] as const;
  return {
    description: 'the service account of this pod',
    async load() {
      const [token, ca] = await Promise.all([readFile(files[0], 'utf8'), readFile(files[1])]);
      return {
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
        tls: {ca},
        headers: {authorization: `Bearer ${token.trim()}`},
        files,
      };
    },
  };
}

/**
 * One kubeconfig or several merged as kubectl merges them. What it may hold (client certificates, tokens, basic
 * authentication, exec plug-ins, …) is the library's business; it is loaded only here, as it costs 15 MB of memory.
 */
export function kubeconfigAccess(paths: readonly string[]): AccessSource {
  return {
    description: `the kubeconfig ${paths.join(', ')}`,
    async load() {
      const {KubeConfig} = await import('@kubernetes/client-node/dist/config.js');
      const config = new KubeConfig();
      for (const [index, path] of paths.entries()) {
        if (index === 0) config.loadFromFile(path);
        else {
          const further = new KubeConfig();
          further.loadFromFile(path);
          config.mergeConfig(further);
        }
      }
      const cluster = config.getCurrentCluster();
      if (cluster === null) {
        throw new Error(
          `the kubeconfig ${paths.join(', ')} names no cluster for its current context ` +
            `(${config.currentContext || 'none set'}); choose one with: kubectl config use-context NAME`,
        );
      }
      const user = config.getCurrentUser();
      const options: ConnectionOptions & {headers?: unknown; auth?: string | null} = {};
      await config.applyToHTTPSOptions(options);
      const {ca, cert, key, servername, rejectUnauthorized} = options;
      const files = [...paths, cluster.caFile, user?.certFile, user?.keyFile, tokenFileOf(user)];
      return {
        server: cluster.server,
        tls: withoutUndefined({ca, cert, key, servername, rejectUnauthorized}),
        headers: {...headersOf(options.headers), ...basicOf(options.auth)},
        ...(cluster.proxyUrl === undefined ? {} : {proxyUrl: cluster.proxyUrl}),
        files: files.filter((file): file is string => typeof file === 'string' && file !== ''),
      };
    },
  };
}

/** The newest change among the files, as one string that differs when any of them was written or replaced. */
export async function versionOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file, {bigint: true})));
  return stats.map((one) => `${one.ino}:${one.mtimeNs}:${one.size}`).join(' ');
}

function tokenFileOf(user: {authProvider?: unknown} | null | undefined): string | undefined {
  const provider = user?.authProvider as {config?: {tokenFile?: string}} | null | undefined;
  return provider?.config?.tokenFile;
}

function headersOf(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function basicOf(auth: string | null | undefined): Record<string, string> {
  return auth ? {authorization: `Basic ${Buffer.from(auth).toString('base64')}`} : {};
}

function withoutUndefined<T extends object>(object: T): {[K in keyof T]: NonNullable<T[K]>} {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as {[K in keyof T]: NonNullable<T[K]>};
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return false;
    }
    throw error;
  }
}

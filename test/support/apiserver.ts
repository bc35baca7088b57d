import {execFile, spawn, type ChildProcess} from 'node:child_process';
import {createWriteStream} from 'node:fs';
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {promisify} from 'node:util';
import {KubeClient, type ClientOptions} from '../../src/kube/client.ts';
import {Pki} from './pki.ts';
import {freePort} from './ports.ts';

const run = promisify(execFile);
const ADMINS = ['system:masters'];
const CLUSTER = resolve(import.meta.dirname, '../cluster');

/** A real API server on a free port of loopback, with an etcd of its own. Nothing runs pods. */
export interface ApiServer {
  readonly url: string;
  /** The administrator's kubeconfig. */
  readonly kubeconfigPath: string;
  /** The administrator's client. */
  readonly admin: KubeClient;
  /** Where the certificate authority's certificate is. */
  readonly caPath: string;
  /** Logs of the components, and `audit.log` where asked for. */
  readonly logs: string;
  /** The address on which it listens, for a proxy in between. */
  readonly port: number;
  /** A kubeconfig for a client certificate of that user, optionally through another server address. */
  kubeconfig(user: string, options?: {groups?: readonly string[]; server?: string}): Promise<string>;
  client(options?: ClientOptions): Promise<KubeClient>;
  /** What was written, from the audit log (`audit: true`): one entry a finished request that is no read. */
  writes(): Promise<AuditEntry[]>;
  stop(): Promise<void>;
}

/** One that is a test's own, to do to it what nobody else would like. */
export interface TestApiServer extends ApiServer {
  /** Where all that it is made of stands. */
  readonly directory: string;
  /** Ends the API server and starts it again on the same port. etcd goes on. */
  restart(): Promise<void>;
  /** Ends the API server at once; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it in mid-air: its connections stay open and say nothing. `thaw` lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Lets etcd forget all versions before the present one, so that a watch from earlier gets a 410. */
  compact(): Promise<void>;
}

interface AuditEntry {
  readonly verb: string;
  readonly user: {readonly username: string};
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: {readonly code: number};
  readonly requestReceivedTimestamp: string;
}

export interface ApiServerOptions {
  /** Keep an audit log of writes. */
  audit?: boolean;
  /** Tokens and the users they stand for. */
  tokens?: Readonly<Record<string, string>>;
  flags?: readonly string[];
}

/** Starts both: about three seconds, and five of a processor. Who stops it in afterAll has one of its own. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<TestApiServer> {
  const binaries = await findBinaries();
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-apiserver-'));
  const logs = join(directory, 'logs');
  await mkdir(logs);
  const [port, etcdPort, peerPort] = await distinctPorts(3);
  const url = `https://127.0.0.1:${port}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const pki = new Pki(directory);
  await pki.make();
  await pki.certificate('apiserver', '/CN=kube-apiserver', 'DNS:localhost,IP:127.0.0.1');
  await run('openssl', ['genrsa', '-out', pki.path('service-account.key'), '2048']);
  const flags = await apiServerFlags({directory, logs, port, etcdUrl, pki, options});

  const etcd = start(join(binaries, 'etcd'), join(logs, 'etcd.log'), [
    `--data-dir=${join(directory, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ]);
  const attached = await attach({
    directory,
    port,
    kubeconfigPath: await pki.kubeconfig('admin', url, ADMINS),
  });
  const {admin} = attached;
  let server: ChildProcess | undefined;
  let closed = false;

  const startServer = async (): Promise<void> => {
    server = start(join(binaries, 'kube-apiserver'), join(logs, 'kube-apiserver.log'), flags);
    await ready(admin, server, logs);
  };
  const killServer = async (): Promise<void> => {
    if (server !== undefined) await end(server, 'SIGKILL');
  };
  const stop = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await attached.stop();
    await killServer();
    await end(etcd, 'SIGKILL');
    await rm(directory, {recursive: true, force: true});
  };
  try {
    await startServer();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...attached,
    directory,
    async restart() {
      await killServer();
      await startServer();
    },
    kill: killServer,
    start: startServer,
    freeze: () => server?.kill('SIGSTOP'),
    thaw: () => server?.kill('SIGCONT'),
    compact: () => compact(etcdUrl),
    stop,
  };
}

/** What there is to know of one that runs, in order to use it. */
export interface ApiServerAddress {
  readonly directory: string;
  readonly port: number;
  readonly kubeconfigPath: string;
}

/** The use of one that runs, from whichever process; `stop` lets go of it and no more. */
export async function attach({directory, port, kubeconfigPath}: ApiServerAddress): Promise<ApiServer> {
  const [url, logs, pki] = [`https://127.0.0.1:${port}`, join(directory, 'logs'), new Pki(directory)];
  const admin = await KubeClient.fromKubeconfig(kubeconfigPath, {userAgent: 'test-admin'});
  return {
    url,
    kubeconfigPath,
    admin,
    caPath: pki.path('ca.crt'),
    logs,
    port,
    kubeconfig: (user, {groups = [], server = url} = {}) => pki.kubeconfig(user, server, groups),
    client: (options) => KubeClient.fromKubeconfig(kubeconfigPath, options),
    async writes() {
      const text = await readFile(join(logs, 'audit.log'), 'utf8');
      // The last line may be half written.
      const lines = text.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as AuditEntry);
    },
    stop: () => admin.close(),
  };
}

async function apiServerFlags(context: {
  directory: string;
  logs: string;
  port: number;
  etcdUrl: string;
  pki: Pki;
  options: ApiServerOptions;
}): Promise<string[]> {
  const {directory, logs, port, etcdUrl, pki, options} = context;
  const flags = [
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--etcd-servers=${etcdUrl}`,
    `--client-ca-file=${pki.path('ca.crt')}`,
    `--tls-cert-file=${pki.path('apiserver.crt')}`,
    `--tls-private-key-file=${pki.path('apiserver.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki.path('service-account.key')}`,
    `--service-account-signing-key-file=${pki.path('service-account.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--endpoint-reconciler-type=none',
    '--advertise-address=192.0.2.10',
    // No controller makes service accounts here.
    '--disable-admission-plugins=ServiceAccount',
    '--profiling=false',
  ];
  if (options.audit === true) {
    const policy = join(directory, 'audit-policy.yaml');
    const rules = [{level: 'None', verbs: ['get', 'list', 'watch']}, {level: 'Metadata'}];
    await writeFile(
      policy,
      JSON.stringify({apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules}),
    );
    flags.push(
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${join(logs, 'audit.log')}`,
      '--audit-log-mode=blocking-strict',
    );
  }
  if (options.tokens !== undefined) {
    const file = join(directory, 'tokens.csv');
    const lines = Object.entries(options.tokens).map(([token, user]) => `${token},${user},${user}\n`);
    await writeFile(file, lines.join(''));
    flags.push(`--token-auth-file=${file}`);
  }
  return [...flags, ...(options.flags ?? [])];
}

/** The test cluster's own binaries: from the cache, built if they are not there yet. */
async function findBinaries(): Promise<string> {
  await run(join(CLUSTER, 'install'), ['--api-only'], {maxBuffer: 64 << 20});
  const script = `source '${CLUSTER}/lib/common.sh' && printf %s "$KUBERNETES_DIR"`;
  return (await run('bash', ['-c', script])).stdout;
}

function start(program: string, log: string, args: readonly string[]): ChildProcess {
  // Dies with this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const file = createWriteStream(log, {flags: 'a'});
  file.on('error', (error) => console.error(`${log}: ${error.message}`));
  child.stdout.pipe(file, {end: false});
  child.stderr.pipe(file, {end: false});
  child.once('close', () => file.end());
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill('SIGCONT');
  child.kill(signal);
  await ended;
}

async function ready(admin: KubeClient, server: ChildProcess, logs: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (let last = ''; performance.now() < deadline && server.exitCode === null; await delay(50)) {
    try {
      await admin.raw('/readyz', {timeoutMs: 2000});
      return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
      if (performance.now() > deadline - 1000) console.error(last);
    }
  }
  const log = await readFile(join(logs, 'kube-apiserver.log'), 'utf8');
  throw new Error(`the API server did not become ready:\n${log.slice(-3000)}`);
}

async function compact(etcdUrl: string): Promise<void> {
  const post = async (path: string, body: object): Promise<{header: {revision: string}}> => {
    const answer = await fetch(`${etcdUrl}${path}`, {method: 'POST', body: JSON.stringify(body)});
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as {header: {revision: string}};
  };
  const {header} = await post('/v3/kv/range', {key: Buffer.from('x').toString('base64')});
  await post('/v3/kv/compaction', {revision: header.revision, physical: true});
}

async function distinctPorts(count: number): Promise<[number, number, number]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports] as [number, number, number];
}

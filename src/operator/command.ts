import {readFile} from 'node:fs/promises';
import {hostname} from 'node:os';
import {KubeClient} from '../kube/client.ts';
import {breath} from '../support/breath.ts';
import {systemClock} from '../support/clock.ts';
import {createLogger, type Logger} from '../support/logging.ts';
import {VERSION} from '../support/version.ts';
import {configurationFrom, type OperatorConfiguration} from './configuration.ts';
import {heapOfAnOperator} from './heap.ts';
import {serveRoutes} from './http.ts';
import {liveness} from './liveness.ts';
import {GRACE_MS, lead, within} from './leading.ts';
import {Manager} from './manager.ts';
import {createOperatorMetrics} from './metrics.ts';
import {podAsker} from './observe/ask-pod.ts';

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Runs the operator until SIGTERM or SIGINT. 0 when it was asked to end, 1 when it lost its lease, 2 for a wrong start. */
export async function operator(): Promise<number> {
  let configuration: OperatorConfiguration;
  try {
    configuration = configurationFrom(process.env, {namespace: await ownNamespace(), hostname: hostname()});
  } catch (error) {
    createLogger({component: 'operator'}).fatal(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const logger = createLogger({component: 'operator', level: configuration.logLevel});
  try {
    return await run(configuration, logger);
  } catch (error) {
    logger.fatal({err: error}, 'the operator cannot run');
    return 2;
  }
}

async function run(configuration: OperatorConfiguration, logger: Logger): Promise<number> {
  const {watchNamespaces, identity, image, assignedIds, leaderElect, leaseName} = configuration;
  const metrics = createOperatorMetrics();
  const client = await KubeClient.fromEnvironment({
    userAgent: `fraiseql-auth-operator/${VERSION}`,
    metrics: metrics.kube.api,
  });
  const pods = podAsker();
  const manager = new Manager({
    client,
    image,
    assignedIds,
    namespaces: watchNamespaces,
    identity,
    clock: systemClock,
    logger,
    metrics,
    ask: pods.ask,
    askForKeys: pods.keys,
    breathe: breath(),
  });
  const onError = (path: string, error: unknown): void =>
    logger.error({path, err: error}, 'a page could not be served');
  const servers = [
    await serveRoutes(
      configuration.healthPort,
      {
        '/healthz': () => liveness(manager.silentMs()),
        '/readyz': () => (manager.hasSynced() ? undefined : 'the watches have not seen everything yet'),
      },
      onError,
    ),
    await serveRoutes(
      configuration.metricsPort,
      {'/metrics': {contentType: metrics.registry.contentType, body: () => metrics.registry.metrics()}},
      onError,
    ),
  ];
  logger.info(
    {version: VERSION, image, namespaces: watchNamespaces.length > 0 ? watchNamespaces : 'all', leaderElect},
    'the operator starts',
  );

  const ending = new AbortController();
  const end = (signal: NodeJS.Signals): void => {
    logger.info({signal}, 'the operator ends');
    ending.abort(new Error(`ended by ${signal}`));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  const heap = heapOfAnOperator(() => manager.isIdle());
  manager.watch();
  // Our timers do not keep a process alive, and both servers may be off: it ends when it is told to.
  const alive = setInterval(() => undefined, 60_000);
  let code = 0;
  try {
    code = leaderElect
      ? await lead(
          {
            client,
            namespace: configuration.namespace,
            name: leaseName,
            identity,
            clock: systemClock,
            logger,
            onLeading: (leading) => metrics.kube.leading(leaseName, leading),
            work: (signal, mayWrite) => manager.work(signal, mayWrite),
          },
          ending.signal,
        )
      : await alone(manager, ending.signal);
  } finally {
    clearInterval(alive);
    heap.stop();
    process.removeListener('SIGTERM', end);
    process.removeListener('SIGINT', end);
    await within(
      systemClock,
      GRACE_MS,
      Promise.all([manager.stop(), pods.close(), ...servers.map((each) => each.close())]),
    );
    await within(systemClock, GRACE_MS, client.close());
  }
  logger.info({code}, 'the operator has ended');
  return code;
}

/** Works without a lease: for one that runs by itself, outside the cluster say. */
async function alone(manager: Manager, ending: AbortSignal): Promise<number> {
  await manager.work(ending);
  return 0;
}

async function ownNamespace(): Promise<string | undefined> {
  try {
    return (await readFile(NAMESPACE_FILE, 'utf8')).trim() || undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

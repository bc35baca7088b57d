import {LOG_LEVEL_PROBLEM, logLevelFrom, logLevelVariable, type LogLevel} from '../support/logging.ts';

/** What the operator is told by its environment. */
export interface OperatorConfiguration {
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** The operator's own namespace: where its lease is. */
  readonly namespace: string;
  /** Tells this process from others that want to lead. */
  readonly identity: string;
  /** What pods run where the spec names no image. */
  readonly image: string;
  readonly leaderElect: boolean;
  /** By which operators agree on one of them: each release has one, for it watches namespaces of its own. */
  readonly leaseName: string;
  /** Pods name no user and group: the cluster assigns them, as OpenShift does. */
  readonly assignedIds: boolean;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LEASE = 'fraiseql-auth-operator';

/**
 * Reads the operator's environment.
 * @throws Error with one message that lists every problem by its variable's name
 */
export function configurationFrom(
  env: NodeJS.ProcessEnv,
  defaults: {namespace?: string | undefined; hostname: string},
): OperatorConfiguration {
  const problems: string[] = [];
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;

  const watchNamespaces = [
    ...new Set((text('WATCH_NAMESPACE') ?? '').split(',').flatMap((part) => part.trim() || [])),
  ];
  for (const each of watchNamespaces) {
    if (NAMESPACE.test(each)) continue;
    problems.push(
      `WATCH_NAMESPACE: ${JSON.stringify(each)} is not the name of a namespace; write names with commas between them, or leave it empty for all`,
    );
  }

  const port = (name: string, fallback: number): number => {
    const written = text(name);
    if (written === undefined) return fallback;
    const value = Number(written);
    if (/^[0-9]+$/.test(written) && value <= 65_535) return value;
    problems.push(
      `${name}: ${JSON.stringify(written)} is not a port; write a number from 1 to 65535, or 0 for none`,
    );
    return fallback;
  };

  const flag = (name: string, fallback: boolean): boolean => {
    const written = text(name)?.toLowerCase();
    if (written === undefined) return fallback;
    if (['true', '1', 'yes'].includes(written)) return true;
    if (['false', '0', 'no'].includes(written)) return false;
    problems.push(`${name}: ${JSON.stringify(written)} is neither true nor false`);
    return fallback;
  };

  const leaderElect = flag('LEADER_ELECT', true);
  const namespace = text('POD_NAMESPACE') ?? defaults.namespace ?? (watchNamespaces[0] || undefined);
  if (leaderElect && namespace === undefined) {
    problems.push(
      'POD_NAMESPACE: missing, so there is no place for the lease; set it to the namespace of the operator, or set LEADER_ELECT=false',
    );
  } else if (namespace !== undefined && !NAMESPACE.test(namespace)) {
    problems.push(`POD_NAMESPACE: ${JSON.stringify(namespace)} is not the name of a namespace`);
  }

  const leaseName = text('LEASE_NAME') ?? LEASE;
  if (!/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(leaseName)) {
    problems.push(
      `LEASE_NAME: ${JSON.stringify(leaseName)} is not the name of an object; write small letters, digits, - and .`,
    );
  }

  const podIds = text('POD_IDS') ?? 'fixed';
  if (podIds !== 'fixed' && podIds !== 'assigned') {
    problems.push(
      `POD_IDS: ${JSON.stringify(podIds)} is neither fixed, for pods that run as user 65532, nor assigned, where the cluster says as whom they run`,
    );
  }

  const image = text('OPERATOR_IMAGE');
  if (image === undefined) {
    problems.push(
      "OPERATOR_IMAGE: missing; set it to the image that the auth server's pods run, which is the operator's own",
    );
  }

  const logLevel = logLevelFrom(env);
  if (logLevel === undefined) {
    problems.push(`${logLevelVariable(env)}: ${LOG_LEVEL_PROBLEM}`);
  }

  const metricsPort = port('METRICS_PORT', 8080);
  const healthPort = port('HEALTH_PORT', 8081);
  if (metricsPort !== 0 && metricsPort === healthPort) {
    problems.push(`METRICS_PORT and HEALTH_PORT: both are ${metricsPort}; give each its own`);
  }

  if (problems.length > 0) {
    throw new Error(`the operator cannot start:\n${problems.map((each) => `  ${each}`).join('\n')}`);
  }
  return {
    watchNamespaces,
    namespace: namespace ?? 'default',
    identity: text('POD_NAME') ?? `${defaults.hostname}-${process.pid}`,
    image: image ?? '',
    leaderElect,
    leaseName,
    assignedIds: podIds === 'assigned',
    metricsPort,
    healthPort,
    logLevel: logLevel ?? 'info',
  };
}

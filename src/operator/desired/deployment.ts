import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {SURGE} from '../../api/v1alpha1/scaling.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {ANNOTATION, childMeta, labels, selectorLabels, VERSION_LABEL} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';
import {PATHS} from './paths.ts';
import {
  type EnvVar,
  type Mount,
  type Volume,
  SCRATCH,
  TLS_VOLUME,
  authorityVolume,
  containerBasics,
  databaseAccess,
  extraEnv,
  podAnnotations,
  podBasics,
  podLabels,
  secretVolume,
  urlVolume,
} from './pod.ts';

/** The port of the server, of its probes and of its metrics. */
export const SERVER_PORT = 8000;
/** What that port is called in a pod that speaks http, and in one that speaks https: the Service finds it by this. */
export const PORT_NAMES = {http: 'http', https: 'https'} as const;
/**
 * So long a new pod has to be ready in a row before an old one goes for it, where its template has yet to run everywhere:
 * one that is ready for a moment, and then dies, replaces nothing.
 */
const TRIAL_SECONDS = 10;
/** How long a pod that is told to end goes on serving, while its endpoint is taken out everywhere. */
const DRAIN_SECONDS = 5;

interface TemplateInputs {
  readonly image: string;
  /** The version, for the label. */
  readonly version: string;
  readonly configMapName: string;
  /** A hash of all Secret data that the pods read: the pods roll when it changes. */
  readonly secretHash: string;
}

/** What a pod of the server is made from. */
export interface ServerTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly {
      readonly image: string;
      readonly env: readonly EnvVar[];
      readonly volumeMounts: readonly Mount[];
      readonly [field: string]: unknown;
    }[];
    readonly volumes: readonly Volume[];
    readonly [field: string]: unknown;
  };
}

/** The version that a template is of, as its label says. */
export function versionLabel({metadata}: ServerTemplate): string | undefined {
  return metadata.labels[VERSION_LABEL];
}

/**
 * The server, of this template. An autoscaled one says nothing of replicas, which are the autoscaler's alone: create it
 * with `lowestReplicas`, and hand the field over. `onTrial`: the template has yet to show that it can take another's place.
 */
export function deployment(
  instance: Instance,
  template: ServerTemplate,
  annotations: Readonly<Record<string, string>> = {},
  {onTrial = false}: {readonly onTrial?: boolean} = {},
): KubeObject {
  const {spec} = instance;
  const {scaling} = spec;
  const version = versionLabel(template);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: childMeta(instance, names(instance).server, 'server', {
      ...(version !== undefined && {version}),
      ...(Object.keys(annotations).length > 0 && {annotations}),
    }),
    spec: {
      ...(scaling.kind === 'Fixed' && {replicas: scaling.replicas}),
      // Else a `kubectl rollout pause` would hold every change back, and nothing would say so.
      paused: false,
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: spec.rollout.progressDeadlineSeconds,
      // No longer than that: to install, to wake and to add pods is not to wait for it.
      ...(onTrial && {minReadySeconds: TRIAL_SECONDS}),
      // The old pods serve until the new ones do.
      strategy: {type: 'RollingUpdate', rollingUpdate: {maxUnavailable: 0, maxSurge: SURGE}},
      selector: {matchLabels: selectorLabels(instance, 'server')},
      template,
    },
  };
}

/** What the pods are made from, as the spec says. Another one replaces them. */
export function serverTemplate(instance: Instance, inputs: TemplateInputs): ServerTemplate {
  const {spec} = instance;
  const {volumes, volumeMounts} = mounts(instance, inputs);
  const scheme = spec.certificateSecret === undefined ? 'http' : 'https';
  return {
    metadata: {
      labels: {...podLabels(spec), ...labels(instance, 'server', inputs.version)},
      annotations: {
        ...podAnnotations(spec),
        [`${ANNOTATION}/secrets-hash`]: inputs.secretHash,
        ...(spec.restartToken !== undefined && {[`${ANNOTATION}/restart-token`]: spec.restartToken}),
      },
    },
    spec: {
      ...podBasics(instance, names(instance).server),
      terminationGracePeriodSeconds: 45,
      // Also for a single pod, so that the second one comes without rolling the first.
      topologySpreadConstraints: spread(instance),
      containers: [
        {
          name: 'server',
          image: inputs.image,
          args: ['serve'],
          ports: [{name: PORT_NAMES[scheme], containerPort: SERVER_PORT, protocol: 'TCP'}],
          env: [...serverEnv(spec), ...extraEnv(spec)],
          // Alive is not the same as able to log people in: a database outage must restart nothing.
          startupProbe: {
            ...probe('/health/live', scheme),
            periodSeconds: 1,
            timeoutSeconds: 3,
            failureThreshold: 60,
          },
          livenessProbe: {
            ...probe('/health/live', scheme),
            periodSeconds: 10,
            timeoutSeconds: 5,
            failureThreshold: 3,
          },
          readinessProbe: {
            ...probe('/health/auth', scheme),
            periodSeconds: 5,
            timeoutSeconds: 3,
            failureThreshold: 2,
          },
          ...containerBasics(spec),
          volumeMounts,
        },
      ],
      volumes,
    },
  };
}

/** By the kubelet, which does not look at the certificate. */
function probe(path: string, scheme: keyof typeof PORT_NAMES) {
  return {httpGet: {path, port: PORT_NAMES[scheme], scheme: scheme.toUpperCase()}};
}

/** Over zones and nodes, as evenly as there is room; each roll-out by itself. */
function spread(instance: Instance) {
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: {matchLabels: selectorLabels(instance, 'server')},
    matchLabelKeys: ['pod-template-hash'],
  }));
}

function serverEnv(spec: ResolvedSpec): EnvVar[] {
  const {tokens, database} = spec;
  const values: [string, string][] = [
    ['PORT', String(SERVER_PORT)],
    ['SERVER_HOST', '0.0.0.0'],
    ['AUTH_CONFIG_FILE', PATHS.configurationFile],
    ['DATABASE_URL_FILE', PATHS.databaseURLFile],
    ['DATABASE_CA_FILE', database.caSecretRef ? PATHS.databaseCAFile : ''],
    ['DATABASE_POOL_SIZE', String(database.poolSize)],
    ['DATABASE_MAX_LIFETIME', String(database.maxLifetimeSeconds)],
    ['STATE_KEY_FILE', PATHS.stateKeyFile],
    ['TLS_CERT_PATH', spec.certificateSecret === undefined ? '' : PATHS.certificateFile],
    ['TLS_KEY_PATH', spec.certificateSecret === undefined ? '' : PATHS.certificateKeyFile],
    ['REDIS_URL_FILE', spec.cache ? PATHS.redisURLFile : ''],
    ['REDIS_CA_FILE', spec.cache?.caSecretRef ? PATHS.redisCAFile : ''],
    ['SESSION_CACHE_TTL', spec.cache ? String(spec.cache.sessionTTLSeconds) : ''],
    ['INTROSPECTION_CLIENT_ID_FILE', spec.introspection ? `${PATHS.introspection}/client-id` : ''],
    ['INTROSPECTION_CLIENT_SECRET_FILE', spec.introspection ? `${PATHS.introspection}/client-secret` : ''],
    ['RATE_LIMITS', spec.rateLimits.policy === 'None' ? 'Off' : ''],
    ['OAUTH_REDIRECT_URI', `${spec.publicURL}/auth/callback`],
    ['JWT_ISSUER', spec.publicURL],
    ['JWKS_MAX_AGE', String(spec.signingKeys.maxAgeSeconds)],
    ['JWT_AUDIENCE', tokens.audience.join(',')],
    ['SESSION_TIMEOUT_MINUTES', String(tokens.accessTTLSeconds / 60)],
    ['REFRESH_TOKEN_TTL', String(tokens.refreshTTLSeconds)],
    ['REFRESH_IDLE_TTL', String(tokens.idleTTLSeconds)],
    ['REFRESH_REPLAY_WINDOW', String(tokens.replayWindowSeconds)],
    ['REFRESH_ROTATION', tokens.refreshRotation],
    ['RETURN_TO_ORIGINS', spec.returnToOrigins.join(',')],
    ['TRUSTED_PROXIES', spec.trustedProxies.join(',')],
    // What changes comes with other pods, which prove themselves; a wrong Secret must not reach those that serve. Only
    // signing keys rotate under them.
    ['CONFIGURATION_RELOAD', 'Keys'],
    ['DRAIN_SECONDS', String(DRAIN_SECONDS)],
    ['LOG_LEVEL', spec.logging.level],
  ];
  return values.filter(([, value]) => value !== '').map(([name, value]) => ({name, value}));
}

function mounts(instance: Instance, {configMapName}: TemplateInputs) {
  const {spec} = instance;
  const all = [
    SCRATCH,
    {
      volume: {name: 'config', configMap: {name: configMapName, defaultMode: 0o444}},
      mount: {name: 'config', mountPath: PATHS.configuration, readOnly: true},
    },
    ...databaseAccess(spec).files,
    ...(spec.cache ? [urlVolume('redis', spec.cache.redisURLSecretRef, PATHS.redis)] : []),
    ...(spec.cache?.caSecretRef ? [authorityVolume('redis-ca', spec.cache.caSecretRef, PATHS.redisCA)] : []),
    // The whole of it, and no path within: so the kubelet brings a renewed certificate into a pod that runs.
    ...(spec.certificateSecret === undefined
      ? []
      : [secretVolume(TLS_VOLUME, spec.certificateSecret, PATHS.tls)]),
    secretVolume('keys', names(instance).signingKeys, PATHS.keys),
    secretVolume('state', names(instance).state, PATHS.state),
    ...(spec.introspection
      ? [credentialsVolume('introspection', spec.introspection, PATHS.introspection)]
      : []),
    ...spec.providers.map((each) =>
      credentialsVolume(`provider-${each.name}`, each, `${PATHS.providers}/${each.name}`),
    ),
  ];
  return {volumes: all.map(({volume}) => volume), volumeMounts: all.map(({mount}) => mount)};
}

/** A client's id and secret, as files of these names. */
function credentialsVolume(
  name: string,
  {clientCredentialsSecretRef}: {clientCredentialsSecretRef: {name: string}},
  path: string,
) {
  const items = ['client-id', 'client-secret'].map((key) => ({key, path: key}));
  return secretVolume(name, clientCredentialsSecretRef.name, path, items);
}

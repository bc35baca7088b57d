import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Instance} from './instance.ts';
import {PATHS} from './paths.ts';

/** The user in the image. */
const USER = 65_532;

/** A volume, and where a container finds it. */
export interface MountedVolume {
  readonly volume: Volume;
  readonly mount: Mount;
}
/** Where a container finds a volume. */
export interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}
/** A volume of a pod, whatever it holds. */
export interface Volume {
  readonly name: string;
  readonly [source: string]: unknown;
}
/** A variable of a container, by its value or by where that stands. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

/**
 * What the restricted Pod Security Standard asks of a pod. The group may read Secrets and write volumes. A cluster that
 * assigns user and group refuses a pod that names others.
 */
function podSecurity({assignedIds}: Pick<Instance, 'assignedIds'>) {
  return {
    runAsNonRoot: true,
    ...(assignedIds !== true && {runAsUser: USER, runAsGroup: USER, fsGroup: USER}),
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: {type: 'RuntimeDefault'},
  };
}

/** What it asks of a container. */
const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: {drop: ['ALL']},
};

/** The volume with the certificate of a pod that speaks https; one without it speaks http. */
export const TLS_VOLUME = 'tls';

/** Readable by owner and group only. */
const SECRET_MODE = 0o440;

/** A volume with keys of a Secret, and where it is mounted. */
export function secretVolume(
  name: string,
  secretName: string,
  mountPath: string,
  items?: {key: string; path: string}[],
): MountedVolume {
  return {
    volume: {name, secret: {secretName, defaultMode: SECRET_MODE, ...(items && {items})}},
    mount: {name, mountPath, readOnly: true},
  };
}

/** How a pod comes to the database: its URL as the file `url`, and who signed its certificate. */
export function databaseAccess({database: {urlSecretRef, caSecretRef}}: ResolvedSpec): {
  env: EnvVar[];
  files: MountedVolume[];
} {
  return {
    env: [
      {name: 'DATABASE_URL_FILE', value: PATHS.databaseURLFile},
      ...(caSecretRef ? [{name: 'DATABASE_CA_FILE', value: PATHS.databaseCAFile}] : []),
    ],
    files: [
      urlVolume('database', urlSecretRef, PATHS.database),
      ...(caSecretRef ? [authorityVolume('database-ca', caSecretRef, PATHS.databaseCA)] : []),
    ],
  };
}

/** Who signed a certificate, as the file `ca.crt`. */
export function authorityVolume(
  volume: string,
  {name, key}: {name: string; key: string},
  mountPath: string,
): MountedVolume {
  return secretVolume(volume, name, mountPath, [{key, path: 'ca.crt'}]);
}

/** A URL that a Secret holds, as the file `url`. */
export function urlVolume(
  volume: string,
  {name, key}: {name: string; key: string},
  mountPath: string,
): MountedVolume {
  return secretVolume(volume, name, mountPath, [{key, path: 'url'}]);
}

/** The only place where a container may write. */
export const SCRATCH = {
  volume: {name: 'tmp', emptyDir: {}},
  mount: {name: 'tmp', mountPath: '/tmp'},
};

/** Where pods run, as the spec says. Empty lists are left out, as the API server would. */
function placement({pod, imagePullSecrets}: ResolvedSpec) {
  return {
    ...(imagePullSecrets.length > 0 && {imagePullSecrets}),
    ...(filled(pod.nodeSelector) && {nodeSelector: pod.nodeSelector}),
    ...(pod.tolerations?.length && {tolerations: pod.tolerations.map((each) => withoutEmpty(each))}),
    ...(filled(pod.affinity) && {affinity: pod.affinity}),
  };
}

/** What every pod of ours has: whose rights, none of which it needs within the cluster, and where it runs. */
export function podBasics(instance: Instance, serviceAccountName: string) {
  return {
    serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity(instance),
    ...placement(instance.spec),
  };
}

/** What every container of ours has. */
export function containerBasics({resources}: ResolvedSpec) {
  return {
    terminationMessagePolicy: 'FallbackToLogsOnError',
    resources,
    securityContext: CONTAINER_SECURITY,
  };
}

/** The labels that the spec adds to pods. */
export function podLabels({pod}: ResolvedSpec): Record<string, string> {
  return pod.labels ?? {};
}

/** The annotations that the spec adds to pods. */
export function podAnnotations({pod}: ResolvedSpec): Record<string, string> {
  return pod.annotations ?? {};
}

/** The variables that the spec adds. A variable with an empty value has none, as the API server stores it. */
export function extraEnv({pod}: ResolvedSpec): EnvVar[] {
  return (pod.extraEnv ?? []).map(({name, value, valueFrom}) => ({
    name,
    ...(value && {value}),
    ...(valueFrom && {valueFrom: withoutEmpty(valueFrom)}),
  }));
}

function filled(map: object | undefined): boolean {
  return map !== undefined && Object.keys(map).length > 0;
}

function withoutEmpty<T extends object>(object: T): Partial<T> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries) as Partial<T>;
}

import type {ResolvedSpec} from './resolve.ts';

/**
 * An object that a spec names, and the keys that it must have. (A ConfigMap in `pod.extraEnv` is not among them: the
 * kubelet says at once what is wrong with it, in the pod that tries a change out.)
 */
export interface Reference {
  kind: 'Secret' | 'PersistentVolumeClaim';
  name: string;
  /** The keys that are needed. */
  keys: string[];
  /** The keys of which one is needed. */
  oneOf?: readonly string[];
  /** The keys that are read where they are there. */
  optionalKeys?: string[];
  /** The field that names it: `spec.database.urlSecretRef`. */
  field: string;
  /** A pair of certificate and key, which pods that run take up by themselves when it changes. */
  certificate?: boolean;
  /** Whose work needs it: where only backups do, the server runs without it, and the other way round. */
  neededBy: 'server' | 'backup' | 'both';
}

/** The keys of a Secret of type kubernetes.io/tls. */
export const CERTIFICATE_KEYS = {certificate: 'tls.crt', key: 'tls.key'} as const;

/** The keys of a Secret by which images are pulled: of type kubernetes.io/dockerconfigjson, or of the older dockercfg. */
const PULL_KEYS = ['.dockerconfigjson', '.dockercfg'] as const;

/** Every object that a spec names, in the spec's order. */
export function references(spec: ResolvedSpec): Reference[] {
  const {providers, introspection, database, cache, certificateSecret, pod, imagePullSecrets} = spec;
  const found = providers.map((provider, index) =>
    credentials(provider, `spec.providers[${index}].clientCredentialsSecretRef`),
  );
  if (introspection) found.push(credentials(introspection, 'spec.introspection.clientCredentialsSecretRef'));
  found.push(value(database.urlSecretRef, 'spec.database.urlSecretRef', 'both'));
  if (database.caSecretRef) found.push(value(database.caSecretRef, 'spec.database.caSecretRef', 'both'));
  if (cache) found.push(value(cache.redisURLSecretRef, 'spec.cache.redisURLSecretRef', 'server'));
  if (cache?.caSecretRef) found.push(value(cache.caSecretRef, 'spec.cache.caSecretRef', 'server'));
  if (certificateSecret !== undefined)
    found.push({
      kind: 'Secret',
      name: certificateSecret,
      keys: [CERTIFICATE_KEYS.certificate, CERTIFICATE_KEYS.key],
      certificate: true,
      field: 'spec.tls.inPod.certificateSecretRef',
      neededBy: 'server',
    });
  pod.extraEnv?.forEach(({valueFrom}, index) => {
    const secret = valueFrom?.secretKeyRef;
    if (secret) found.push(value(secret, `spec.pod.extraEnv[${index}].valueFrom`, 'both'));
  });
  imagePullSecrets.forEach(({name}, index) => {
    const field = `spec.imagePullSecrets[${index}]`;
    found.push({kind: 'Secret', name, keys: [], oneOf: PULL_KEYS, field, neededBy: 'both'});
  });
  return [...found, ...ofBackups(spec)];
}

/** A client's id and secret. */
function credentials(
  {clientCredentialsSecretRef: {name}}: {readonly clientCredentialsSecretRef: {readonly name: string}},
  field: string,
): Reference {
  return {kind: 'Secret', name, keys: ['client-id', 'client-secret'], field, neededBy: 'server'};
}

/** One key of a Secret. */
function value(
  {name, key}: {readonly name: string; readonly key: string},
  field: string,
  neededBy: Reference['neededBy'],
): Reference {
  return {kind: 'Secret', name, keys: [key], field, neededBy};
}

/** Where backups go, and with which credentials. */
function ofBackups({backup}: ResolvedSpec): Reference[] {
  const destination = backup?.destination;
  if (destination?.kind === 'pvc') {
    const {claimName: name} = destination;
    const field = 'spec.backup.destination.pvc';
    return [{kind: 'PersistentVolumeClaim', name, keys: [], field, neededBy: 'backup'}];
  }
  if (destination?.kind !== 's3' || !destination.credentialsSecretRef) return [];
  return [
    {
      kind: 'Secret',
      name: destination.credentialsSecretRef.name,
      keys: ['access-key-id', 'secret-access-key'],
      optionalKeys: ['session-token'],
      field: 'spec.backup.destination.s3.credentialsSecretRef',
      neededBy: 'backup',
    },
  ];
}

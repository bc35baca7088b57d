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
  const found: Reference[] = spec.providers.map((provider, index) => ({
    kind: 'Secret',
    name: provider.clientCredentialsSecretRef.name,
    keys: ['client-id', 'client-secret'],
    field: `spec.providers[${index}].clientCredentialsSecretRef`,
    neededBy: 'server',
  }));
  if (spec.introspection)
    found.push({
      kind: 'Secret',
      name: spec.introspection.clientCredentialsSecretRef.name,
      keys: ['client-id', 'client-secret'],
      field: 'spec.introspection.clientCredentialsSecretRef',
      neededBy: 'server',
    });
  const {urlSecretRef, caSecretRef} = spec.database;
  found.push({
    kind: 'Secret',
    name: urlSecretRef.name,
    keys: [urlSecretRef.key],
    field: 'spec.database.urlSecretRef',
    neededBy: 'both',
  });
  if (caSecretRef)
    found.push({
      kind: 'Secret',
      name: caSecretRef.name,
      keys: [caSecretRef.key],
      field: 'spec.database.caSecretRef',
      neededBy: 'both',
    });
  if (spec.cache) {
    const {name, key} = spec.cache.redisURLSecretRef;
    found.push({
      kind: 'Secret',
      name,
      keys: [key],
      field: 'spec.cache.redisURLSecretRef',
      neededBy: 'server',
    });
    const {caSecretRef} = spec.cache;
    if (caSecretRef) {
      found.push({
        kind: 'Secret',
        name: caSecretRef.name,
        keys: [caSecretRef.key],
        field: 'spec.cache.caSecretRef',
        neededBy: 'server',
      });
    }
  }
  if (spec.certificateSecret !== undefined) {
    found.push({
      kind: 'Secret',
      name: spec.certificateSecret,
      keys: [CERTIFICATE_KEYS.certificate, CERTIFICATE_KEYS.key],
      certificate: true,
      field: 'spec.tls.inPod.certificateSecretRef',
      neededBy: 'server',
    });
  }
  spec.pod.extraEnv?.forEach(({valueFrom}, index) => {
    const secret = valueFrom?.secretKeyRef;
    if (secret)
      found.push({
        kind: 'Secret',
        name: secret.name,
        keys: [secret.key],
        field: `spec.pod.extraEnv[${index}].valueFrom`,
        neededBy: 'both',
      });
  });
  spec.imagePullSecrets.forEach(({name}, index) => {
    found.push({
      kind: 'Secret',
      name,
      keys: [],
      oneOf: PULL_KEYS,
      field: `spec.imagePullSecrets[${index}]`,
      neededBy: 'both',
    });
  });
  const destination = spec.backup?.destination;
  if (destination?.kind === 's3' && destination.credentialsSecretRef) {
    found.push({
      kind: 'Secret',
      name: destination.credentialsSecretRef.name,
      keys: ['access-key-id', 'secret-access-key'],
      optionalKeys: ['session-token'],
      field: 'spec.backup.destination.s3.credentialsSecretRef',
      neededBy: 'backup',
    });
  }
  if (destination?.kind === 'pvc') {
    found.push({
      kind: 'PersistentVolumeClaim',
      name: destination.claimName,
      keys: [],
      field: 'spec.backup.destination.pvc',
      neededBy: 'backup',
    });
  }
  return found;
}

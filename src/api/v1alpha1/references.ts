import type {ResolvedSpec} from './resolve.ts';

/** A Secret (or ConfigMap) that a spec names, and the keys that it must have. */
export interface Reference {
  kind: 'Secret' | 'ConfigMap' | 'PersistentVolumeClaim';
  name: string;
  /** The keys that are needed. */
  keys: string[];
  /** The keys that are read where they are there. */
  optionalKeys?: string[];
  /** The field that names it: `spec.database.urlSecretRef`. */
  field: string;
  /** A pair of certificate and key, which pods that run take up by themselves when it changes. */
  certificate?: boolean;
  /** Whose work needs it: where only backups do, the server runs without it. */
  neededBy: 'server' | 'backup' | 'pull';
}

/** The keys of a Secret of type kubernetes.io/tls. */
export const CERTIFICATE_KEYS = {certificate: 'tls.crt', key: 'tls.key'} as const;

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
    neededBy: 'server',
  });
  if (caSecretRef)
    found.push({
      kind: 'Secret',
      name: caSecretRef.name,
      keys: [caSecretRef.key],
      field: 'spec.database.caSecretRef',
      neededBy: 'server',
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
    const field = `spec.pod.extraEnv[${index}].valueFrom`;
    const secret = valueFrom?.secretKeyRef;
    const config = valueFrom?.configMapKeyRef;
    if (secret)
      found.push({kind: 'Secret', name: secret.name, keys: [secret.key], field, neededBy: 'server'});
    if (config)
      found.push({kind: 'ConfigMap', name: config.name, keys: [config.key], field, neededBy: 'server'});
  });
  spec.imagePullSecrets.forEach(({name}, index) => {
    found.push({kind: 'Secret', name, keys: [], field: `spec.imagePullSecrets[${index}]`, neededBy: 'pull'});
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

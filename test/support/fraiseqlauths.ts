import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {parse} from 'yaml';
import type {FraiseQLAuth} from '../../src/api/v1alpha1/fraiseqlauth.ts';
import {FRAISEQLAUTH} from '../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../src/kube/objects.ts';
import {eventually} from './eventually.ts';

/** A FraiseQLAuth as a cluster holds it. */
export type Stored = FraiseQLAuth & KubeObject;

/** The image that nobody pulls: where there is only an API server nothing runs pods. */
export const IMAGE = 'registry.test/fraiseql-auth:1.0.0';

const CRD = resolve(import.meta.dirname, '../../crds/fraiseqlauths.auth.fraiseql.dev.yaml');

/** The Secrets that {@link keycloakResource} names. */
export const USER_SECRETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'auth-db': {'database-url': 'postgres://app:secret@db:5432/auth'},
  'keycloak-client': {'client-id': 'auth', 'client-secret': 'hush'},
};

/** Defines the resource on a server, with a change to the definition where one is given, and waits until it is served. */
export async function defineResource(client: KubeClient, change?: (crd: KubeObject) => void): Promise<void> {
  const crd = parse(await readFile(CRD, 'utf8')) as KubeObject;
  change?.(crd);
  await client.create(RESOURCES.CustomResourceDefinition, crd);
  await eventually(async () => {
    await client.list(FRAISEQLAUTH);
  });
}

/** A resource with one provider; what `spec` says takes the place of what is here. */
export function keycloakResource(
  namespace: string,
  name: string,
  issuerURL: string,
  spec: Record<string, unknown>,
): Stored {
  return {
    apiVersion: FRAISEQLAUTH.apiVersion,
    kind: FRAISEQLAUTH.kind,
    metadata: {name, namespace},
    spec: {
      // An RSA key takes a tenth of a second of CPU.
      tokens: {algorithm: 'ES256'},
      providers: [
        {
          name: 'keycloak',
          type: 'Keycloak',
          issuerURL,
          clientCredentialsSecretRef: {name: 'keycloak-client'},
        },
      ],
      database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}},
      ...spec,
    },
  } as unknown as Stored;
}

export async function createSecret(
  client: KubeClient,
  namespace: string,
  name: string,
  stringData: Readonly<Record<string, string>>,
): Promise<void> {
  await client.create<KubeObject>(RESOURCES.Secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {name, namespace},
    stringData,
  });
}

export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create(RESOURCES.Namespace, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}});
}

// One FraiseQLAuth under test: how it is written, and how to look at what came of it.
import {setTimeout as delay} from 'node:timers/promises';
import {CookieJar} from 'tough-cookie';
import {expect} from 'vitest';
import {Browser} from '../../support/browser.ts';
import {apply, listObjects, type Manifest} from '../../support/kubectl.ts';
import {databaseUrl, issuerUrl, publicUrl, secrets, sql, SHARED} from './fixtures.ts';
import {podUrl, route} from './network.ts';
import {createNamespace} from './operator.ts';
import {isReady, type ResourceWatch} from './watch.ts';

export const NAME = 'auth';

interface Pod extends Manifest {
  readonly status: {
    readonly phase: string;
    readonly podIP: string;
    readonly conditions?: readonly {readonly type: string; readonly status: string}[];
    readonly containerStatuses?: readonly {readonly restartCount: number; readonly ready: boolean}[];
  };
}

export interface Setting {
  /** Where its provider runs; the shared one by default. */
  readonly providerIn?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A FraiseQLAuth of the Development profile, as a person would write it; `spec` is laid over. */
export function fraiseqlauth(namespace: string, setting: Setting = {}): object {
  return {
    apiVersion: 'auth.fraiseql.dev/v1alpha1',
    kind: 'FraiseQLAuth',
    metadata: {name: NAME, namespace},
    spec: {
      profile: 'Development',
      publicURL: publicUrl(namespace),
      providers: [
        {
          name: 'idp',
          type: 'OIDC',
          issuerURL: issuerUrl(setting.providerIn ?? SHARED),
          clientCredentialsSecretRef: {name: 'idp-client'},
        },
      ],
      database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}, poolSize: 4},
      ...setting.spec,
    },
  };
}

/**
 * A FraiseQLAuth of the Production profile, with its provider in the same namespace; backups go to an S3 server there at
 * `schedule`.
 */
export function production(namespace: string, schedule = '0 2 * * *'): object {
  const s3 = {
    bucket: 'auth-backups',
    endpoint: `http://s3.${namespace}.svc.cluster.local:9000`,
    credentialsSecretRef: {name: 's3'},
  };
  return fraiseqlauth(namespace, {
    providerIn: namespace,
    spec: {
      profile: 'Production',
      database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}},
      backup: {schedule, destination: {s3}},
    },
  });
}

/** The name of the namespace's own database on the shared PostgreSQL. */
export function databaseOf(namespace: string): string {
  return namespace.replaceAll('-', '_');
}

/** A namespace with a database of its own on the shared PostgreSQL, and no Secrets yet. */
export async function prepare(namespace: string): Promise<void> {
  await Promise.all([
    createNamespace(namespace),
    sql(SHARED, 'fraiseql', `CREATE DATABASE ${databaseOf(namespace)}`),
  ]);
}

/** Everything that a small instance needs, and the instance itself; returns when it is Ready. */
export async function runningInstance(
  watch: ResourceWatch,
  namespace: string,
  setting: Setting & {readonly databaseUrl?: string} = {},
): Promise<void> {
  if (setting.databaseUrl === undefined) await prepare(namespace);
  await secrets(namespace, setting.databaseUrl ?? databaseUrl(SHARED, databaseOf(namespace)));
  await apply([fraiseqlauth(namespace, setting)]);
  await watch.until(namespace, NAME, 'ready', isReady, 240_000);
  await reachable(namespace);
}

/** The server's pods, those on their way out left out. */
async function serverPods(namespace: string): Promise<readonly Pod[]> {
  const pods = await listObjects<{status: Pod['status']}>(
    'pods',
    namespace,
    `app.kubernetes.io/instance=${NAME},app.kubernetes.io/component=server`,
  );
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

/** The names of the pods that are ready, sorted. */
export async function readyPods(namespace: string): Promise<readonly string[]> {
  const pods = await serverPods(namespace);
  return pods
    .filter((pod) => pod.status.conditions?.some(({type, status}) => type === 'Ready' && status === 'True'))
    .map((pod) => pod.metadata.name)
    .sort();
}

/** A browser whose requests to the namespace's instance reach its Service, or the one pod. */
export function browserFor(namespace: string, pod?: string, jar = new CookieJar()): Browser {
  return new Browser({jar, route: route(pod === undefined ? new Map() : new Map([[namespace, pod]]))});
}

/** Waits until the Service leads somewhere: a node learns of a ready pod a moment after the resource says Ready. */
export async function reachable(namespace: string, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const keys = await browserFor(namespace).visit(`${publicUrl(namespace)}/.well-known/jwks.json`);
      if (keys.status === 200) return;
      if (performance.now() > deadline)
        throw new Error(`${namespace}: the keys are answered with ${keys.status}`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(250);
  }
}

/** The pods that ran before run still, were never restarted, and answer through the Service. */
export async function expectStillServing(
  namespace: string,
  before: readonly string[],
  browser = browserFor(namespace),
): Promise<void> {
  const pods = await serverPods(namespace);
  for (const name of before) {
    const pod = pods.find((each) => each.metadata.name === name);
    expect(pod, `pod ${name} is gone`).toBeDefined();
    expect(pod?.status.containerStatuses?.map(({restartCount}) => restartCount)).toEqual([0]);
  }
  const keys = await browser.visit(`${publicUrl(namespace)}/.well-known/jwks.json`);
  expect(keys.status).toBe(200);
}

/** The pods run and are alive, though nothing may reach them through the Service. */
export async function expectAlive(namespace: string, before: readonly string[]): Promise<void> {
  const pods = await serverPods(namespace);
  expect(pods.map((pod) => pod.metadata.name).sort()).toEqual([...before]);
  for (const pod of pods) {
    expect(pod.status.containerStatuses?.map(({restartCount}) => restartCount)).toEqual([0]);
    const live = await new Browser().visit(`${await podUrl(namespace, pod.metadata.name, 8000)}/health/live`);
    expect(live.status).toBe(200);
  }
}

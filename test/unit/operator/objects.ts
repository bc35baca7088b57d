import type {KubeObject} from '../../../src/kube/objects.ts';

/** Whether it is the Job that tries a change out. */
export function isCheck({kind, metadata}: KubeObject): boolean {
  return kind === 'Job' && metadata.labels?.['app.kubernetes.io/component'] === 'check';
}

/** A time as Kubernetes writes it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** The container of a Job, ended with this word. */
export function ended(message: string, exitCode = 1) {
  return {name: 'migrate', state: {terminated: {exitCode, reason: 'Error', message}}};
}

/** The word in which a command says that it failed. */
export function outcome(reason: string, message: string, hint = 'do this', kind = 'migrate'): string {
  return JSON.stringify({ok: false, kind, reason, message, hint});
}

/** A Secret that the operator made, without its material. */
export function secretObject(name: string, uid: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'prod',
      ownerReferences: [
        {
          apiVersion: 'auth.fraiseql.dev/v1alpha1',
          kind: 'FraiseQLAuth',
          name: 'auth',
          uid,
          controller: true,
        },
      ],
    },
    data: {key: 'hash'},
  };
}

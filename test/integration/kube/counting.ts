import type {ApplyPort} from '../../../src/kube/apply.ts';
import type {KubeClient} from '../../../src/kube/client.ts';

/** Counts what goes through it. */
export function counting(client: KubeClient): {port: ApplyPort; calls: string[]} {
  const calls: string[] = [];
  const port: ApplyPort = {
    get: (...args) => {
      calls.push('get');
      return client.get(...args);
    },
    create: (...args) => {
      calls.push('create');
      return client.create(...args);
    },
    apply: (...args) => {
      calls.push('apply');
      return client.apply(...args);
    },
    jsonPatch: (...args) => {
      calls.push('jsonPatch');
      return client.jsonPatch(...args);
    },
  };
  return {port, calls};
}

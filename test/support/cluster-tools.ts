import {execFile} from 'node:child_process';
import {join, resolve} from 'node:path';
import {promisify} from 'node:util';
import {parseAllDocuments} from 'yaml';
import type {KubeObject} from '../../src/kube/objects.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

/** Runs the test cluster's own helm or kubectl in the checkout's root; what it printed. */
export type Tool = (name: 'helm' | 'kubectl', ...args: string[]) => Promise<string>;

/** helm and kubectl for an API server, built if they are not there yet. */
export async function clusterTools(kubeconfigPath: string): Promise<Tool> {
  await run(join(ROOT, 'test/cluster/install'), {maxBuffer: 64 << 20});
  const script = `source '${ROOT}/test/cluster/lib/common.sh' && printf %s "$HELM_DIR:$KUBERNETES_DIR"`;
  const path = `${(await run('bash', ['-c', script])).stdout}:${process.env['PATH'] ?? ''}`;
  const env = {...process.env, PATH: path, KUBECONFIG: kubeconfigPath};
  return async (name, ...args) => (await run(name, args, {cwd: ROOT, env, maxBuffer: 16 << 20})).stdout;
}

/** The documents of a file of YAML, empty ones left out. */
export function objects(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((each) => each.toJS() as KubeObject | null)
    .filter((each) => each !== null);
}

// What a person would ask the cluster after a failed test, asked before it is gone.
import {mkdir, writeFile} from 'node:fs/promises';
import {kubectl} from '../../support/kubectl.ts';
import {OPERATOR, OPERATOR_NAMESPACE} from './operator.ts';

/** Writes build/e2e/<name>.txt and returns its path. What cannot be asked stands there as the error. */
async function dump(name: string, namespaces: readonly string[]): Promise<string> {
  const sections: string[] = [];
  const ask = async (title: string, args: readonly string[], namespace: string): Promise<void> => {
    let answer: string;
    try {
      answer = await kubectl(args, {namespace, timeoutMs: 15_000});
    } catch (error) {
      answer = error instanceof Error ? error.message : String(error);
    }
    sections.push(`==== ${namespace}: ${title}\n${answer}\n`);
  };
  for (const namespace of namespaces) {
    await ask('resources', ['get', 'fqa', '-o', 'yaml'], namespace);
    await ask('objects', ['get', 'all,configmaps,secrets,pvc', '-o', 'wide'], namespace);
    await ask('events', ['get', 'events', '--sort-by=.lastTimestamp'], namespace);
    await ask('pods', ['describe', 'pods'], namespace);
    await ask(
      'logs',
      ['logs', '-l', 'app.kubernetes.io/part-of=fraiseql-auth', '--all-containers', '--prefix', '--tail=80'],
      namespace,
    );
  }
  await ask('operator', ['logs', `deployment/${OPERATOR}`, '--tail=400'], OPERATOR_NAMESPACE);
  await ask('operator pods', ['describe', 'pods'], OPERATOR_NAMESPACE);
  await mkdir('build/e2e', {recursive: true});
  const path = `build/e2e/${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)}.txt`;
  await writeFile(path, sections.join('\n'));
  return path;
}

/** For `onTestFailed`: dumps the namespaces, and says where. */
export function dumpOnFailure(name: string, ...namespaces: readonly string[]): () => Promise<void> {
  return async () => {
    console.error(`${name}: the state of the cluster at its failure is in ${await dump(name, namespaces)}`);
  };
}

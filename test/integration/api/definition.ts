import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {parse} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {ApiError, type KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';

const PATH = join(import.meta.dirname, '../../../crds/fraiseqlauths.auth.fraiseql.dev.yaml');

const DEADLINE_MS = 30_000;

/** Installs the resource definition, and returns when the API server has taken it and serves it. */
export async function installDefinition(admin: KubeClient): Promise<void> {
  const definition = parse(await readFile(PATH, 'utf8')) as KubeObject;
  await admin.create(RESOURCES.CustomResourceDefinition, definition);
  const end = performance.now() + DEADLINE_MS;
  while (!(await established(admin, definition))) {
    if (performance.now() > end) throw new Error('the API server does not serve the resource definition');
    await delay(50);
  }
}

async function established(admin: KubeClient, {metadata}: KubeObject): Promise<boolean> {
  const live = await admin.get(RESOURCES.CustomResourceDefinition, metadata);
  const status = live?.['status'] as {conditions?: {type: string; status: string}[]} | undefined;
  if (!status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True'))
    return false;
  try {
    await admin.list(FRAISEQLAUTH, {namespace: 'default'});
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

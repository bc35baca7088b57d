import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {parseAllDocuments} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {startOperator, type OperatorProgram} from '../../support/operator-program.ts';
import {playControllers} from './controllers.ts';
import {eventually, fraiseqlauth, IMAGE, type Observer, startOwnHarness, type OwnHarness} from './harness.ts';

const RBAC = resolve(import.meta.dirname, '../../../config/rbac');

let harness: OwnHarness;
const running: {stop(): Promise<void>}[] = [];
beforeAll(async () => {
  harness = await startOwnHarness();
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()));
  await harness.stop();
});

/** The roles as they are installed, for that user and those namespaces; of all of them where none is named. */
async function grant(user: string, home: string, namespaces: readonly string[]): Promise<void> {
  const kind = namespaces.length === 0 ? 'cluster' : 'namespaced';
  const text = await readFile(`${RBAC}/${kind}/rbac.yaml`, 'utf8');
  const documents = parseAllDocuments(text).map((each) => each.toJS() as KubeObject);
  const subject = [{kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user}];
  for (const object of documents) {
    const leader = /leader/.test(object.metadata.name);
    const type = RESOURCES[object.kind as 'Role' | 'RoleBinding' | 'ClusterRole' | 'ClusterRoleBinding'];
    const homes = type.namespaced ? (leader ? [home] : namespaces) : [undefined];
    for (const namespace of homes) {
      const {namespace: _, ...metadata} = object.metadata;
      const name = `${metadata.name}-${user}`;
      const roleRef = object['roleRef'] as {name: string} | undefined;
      await harness.admin.create<KubeObject>(type, {
        ...object,
        metadata: {...metadata, name, ...(namespace !== undefined && {namespace})},
        ...(roleRef && {roleRef: {...roleRef, name: `${roleRef.name}-${user}`}, subjects: subject}),
      });
    }
  }
}

/** The program as a user that has no rights but those of its roles. */
async function start(user: string, home: string, namespaces: readonly string[]): Promise<OperatorProgram> {
  await grant(user, home, namespaces);
  const program = await startOperator(await harness.server.kubeconfig(user), IMAGE, {
    POD_NAME: user,
    POD_NAMESPACE: home,
    WATCH_NAMESPACE: namespaces.join(','),
  });
  running.push({
    async stop() {
      program.process.kill('SIGKILL');
      await program.ended();
    },
  });
  await eventually(() => program.health('/readyz'));
  return program;
}

async function team(): Promise<{namespace: string; see: Observer}> {
  const {namespace, see} = await harness.prepare();
  running.push(playControllers(see));
  return {namespace, see};
}

const isReady = (see: Observer) => eventually(async () => (await see.condition('Ready')).status === 'True');

describe('what it watches, it has the rights for, and no others', () => {
  test('one namespace, then several, then all', async () => {
    const [a, b, c] = [await team(), await team(), await team()];
    const backup = {destination: {pvc: {claimName: 'backups'}}};
    for (const {namespace} of [a, b, c])
      await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {backup}));

    const one = await start('one', a.namespace, [a.namespace]);
    await isReady(a.see);
    expect((await b.see.resource()).status).toBeUndefined();
    one.process.kill('SIGTERM');
    expect(await one.ended()).toBe('0');

    const several = await start('several', a.namespace, [a.namespace, b.namespace]);
    await isReady(b.see);
    expect((await c.see.resource()).status).toBeUndefined();
    several.process.kill('SIGTERM');
    expect(await several.ended()).toBe('0');

    const all = await start('all', a.namespace, []);
    await isReady(c.see);
    for (const {see} of [a, b, c])
      expect((await see.condition('BackupHealthy')).reason).toBe('ClaimNotFound');
    for (const {output} of [one, several, all]) expect(output()).not.toContain('Forbidden');
  });
});

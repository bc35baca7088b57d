import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/groupVersion.ts';
import {playControllers} from './controllers.ts';
import {dyingAt, endState, isReady} from './dying.ts';
import {createSecrets, eventually, fraiseqlauth, Observer, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

describe('the operator is killed at a write', () => {
  test('before and after every write of a creation and of a change, it ends in the same state', async () => {
    const run = async (n: number, when: 'before' | 'after'): Promise<{state: string[]; died: boolean}> => {
      const namespace = await harness.namespace();
      const see = new Observer(harness.admin, namespace);
      await createSecrets(harness.admin, namespace);
      const controllers = playControllers(see);
      const {wrap, dead} = dyingAt(n, when);
      const first = await harness.operate({namespaces: [namespace], wrap});
      await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
      await eventually(async () => dead() || isReady(see, 1));
      if (!dead()) {
        await harness.admin.mergePatch(FRAISEQLAUTH, {namespace, name: 'auth'}, CHANGE);
        await eventually(async () => dead() || isReady(see, 2));
      }
      await first.stop();
      const second = await harness.operate({namespaces: [namespace]});
      await harness.admin.mergePatch(FRAISEQLAUTH, {namespace, name: 'auth'}, CHANGE);
      await eventually(() => isReady(see, 2), 30_000);
      await eventually(
        async () => (await see.children()).filter((each) => each.startsWith('ConfigMap')).length === 1,
      );
      await second.stop();
      await controllers.stop();
      return {state: await endState(see), died: dead()};
    };

    const {state: reference} = await run(Infinity, 'before');
    expect(reference).toContain('keys: 1');
    expect(reference).toContain('Ready=True Ready');
    let cases = 0;
    for (let n = 1; ; n++) {
      const [before, after] = await Promise.all([run(n, 'before'), run(n, 'after')]);
      expect({n, when: 'before', state: before.state}).toEqual({n, when: 'before', state: reference});
      expect({n, when: 'after', state: after.state}).toEqual({n, when: 'after', state: reference});
      if (!before.died) break;
      cases += 2;
    }
    console.log(`kills (real API server): creation and change: ${cases} of ${cases} ended in the same state`);
    expect(cases).toBeGreaterThan(24);
    const created = (await harness.server.writes()).filter(
      (each) =>
        each.verb === 'create' &&
        each.objectRef?.name === 'auth-signing-keys' &&
        each.responseStatus?.code === 201,
    );
    const namespaces = new Set(created.map((each) => each.objectRef?.namespace));
    expect(created.length).toBe(namespaces.size);
  }, 240_000);
});

const CHANGE = {
  spec: {
    tokens: {accessTTL: '30m'},
    returnToOrigins: ['https://app.example.com'],
    providers: [
      {
        name: 'keycloak',
        type: 'Keycloak',
        displayName: 'Staff',
        issuerURL: 'http://keycloak.idp.svc:8080/realms/dev',
        clientCredentialsSecretRef: {name: 'keycloak-client'},
      },
    ],
  },
};

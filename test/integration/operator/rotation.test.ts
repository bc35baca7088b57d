import {X509Certificate} from 'node:crypto';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {KeyAnswer} from '../../../src/operator/observed.ts';
import {RETIRE, ROTATE} from '../../../src/operator/decide/key-finding.ts';
import {podAsker} from '../../../src/operator/observe/ask-pod.ts';
import type {Deployment} from '../../../src/operator/workloads.ts';
import {fingerprintOf} from '../../../src/support/certificate.ts';
import {selfSigned, type TestCertificate} from '../../support/certificate.ts';
import {playControllers} from './controllers.ts';
import {dyingAt} from './dying.ts';
import {
  createSecret,
  eventually,
  fraiseqlauth,
  type Observer,
  startHarness,
  type Harness,
} from './harness.ts';

type Secret = KubeObject & {data: Record<string, string>};
type Key = {kid: string; use: string};

const directory = mkdtempSync(join(tmpdir(), 'rotation-'));
const [first, second] = [selfSigned(directory, 'auth.first.svc'), selfSigned(directory, 'auth.second.svc')];

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(async () => {
  await harness.stop();
  rmSync(directory, {recursive: true});
});

function signerOf(keys: readonly Key[]): string {
  const signer = keys.find(({use}) => use === 'sign');
  if (signer === undefined) throw new Error('no key signs');
  return signer.kid;
}

let addresses = 0;

/** FAULT_ALL=1: at every write of a rotation; without, at every other. */
const ALL = process.env['FAULT_ALL'] === '1';
const WRITES = ALL ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 3, 5, 8];

/** An instance with pods that serve what stands in the Secret, as soon as they are let. */
async function instance(pods = 2, spec: Record<string, unknown> = {}) {
  const {namespace, see, key} = await harness.prepare();
  const answers = new Map<string, KeyAnswer | undefined>();
  const stuck = new Set<string>();
  const ending = new AbortController();
  const controllers = playControllers(see);
  await harness.admin.create(
    FRAISEQLAUTH,
    fraiseqlauth(namespace, {signingKeys: {jwksMaxAge: '1s'}, replicas: pods, ...spec}),
  );
  const secret = async (): Promise<Secret> => {
    const found = await see.get<Secret>(RESOURCES.Secret, 'auth-signing-keys');
    if (found === undefined) throw new Error('there are no keys yet');
    return found;
  };
  const list = async (): Promise<Key[]> => {
    const text = Buffer.from((await secret()).data['keys.json'] ?? '', 'base64').toString();
    return (JSON.parse(text) as {signingKeys: Key[]}).signingKeys;
  };
  /** As kubelet and servers do. */
  const follow = (async () => {
    while (!ending.signal.aborted) {
      const keys = await list().catch(() => []);
      for (const address of answers.keys()) {
        if (stuck.has(address)) continue;
        answers.set(address, {
          kids: keys.map(({kid}) => kid),
          signer: keys.find(({use}) => use === 'sign')?.kid,
          maxAgeSeconds: 1,
          tokenTTLSeconds: 3600,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    namespace,
    see,
    key,
    stuck,
    secret,
    list,
    ask: (address: string) => Promise.resolve(answers.get(address)),
    async startPods() {
      const live = await eventually(async () => {
        const found = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
        return found ?? false;
      });
      for (let n = 0; n < pods; n++) {
        const address = `10.0.0.${++addresses}`;
        answers.set(address, undefined);
        await see.createServerPod(`auth-${n}`, live, address);
      }
      return [...answers.keys()];
    },
    annotate: (annotations: Record<string, string>) =>
      harness.admin.mergePatch(FRAISEQLAUTH, key, {metadata: {annotations}}),
    states: async () => (await see.resource()).status?.signingKeys?.map(({state}) => state).join(),
    async stop() {
      ending.abort();
      await follow;
      await controllers.stop();
    },
  };
}

const ready = async (see: Observer): Promise<boolean> => (await see.condition('Ready')).status === 'True';

describe.concurrent('signing keys', () => {
  test('rotate on request: published, then signing; a pod that lags holds it up and is named', async () => {
    const it = await instance();
    const operator = await harness.operate({namespaces: [it.namespace], askForKeys: it});
    await eventually(() => ready(it.see));
    const [first = ''] = await it.startPods();
    const old = signerOf(await it.list());
    it.stuck.add(first);
    await it.annotate({[ROTATE]: '1'});
    await eventually(async () => (await it.states()) === 'Signing,Published');
    const waiting = await eventually(async () => {
      const condition = await it.see.condition('KeysHealthy');
      return /pod auth-0 does not serve key \S+ yet/.test(condition.message) && condition;
    });
    expect(waiting).toMatchObject({status: 'True', reason: 'Rotating'});
    it.stuck.clear();
    await eventually(async () => (await it.states()) === 'Signing,Retiring');
    const keys = await it.list();
    expect(signerOf(keys)).not.toBe(old);
    expect(keys).toContainEqual(expect.objectContaining({kid: old, use: 'verify'}));
    expect(Object.keys((await it.secret()).data)).toHaveLength(3);
    // Nothing was rolled for it.
    expect((await it.see.get<Deployment>(RESOURCES.Deployment, 'auth'))?.metadata.generation).toBe(1);

    // The private part of one that is known to others goes at once.
    await it.annotate({[RETIRE]: old});
    await eventually(async () => (await it.states()) === 'Signing');
    expect(Object.keys((await it.secret()).data)).not.toContain(`${old}.pem`);
    await operator.stop();
    await it.stop();
  });

  test('rotate behind a public URL that still shows the old keys: held up, named, and on as soon as it shows the new', async () => {
    // What stands before the pods and keeps their answer for too long.
    let shown: readonly string[] = [];
    let asked = 0;
    const edge = createServer((request, response) => {
      asked++;
      response.statusCode = request.url === '/.well-known/jwks.json' ? 200 : 404;
      response.end(JSON.stringify({keys: shown.map((kid) => ({kid}))}));
    });
    edge.listen(0, '127.0.0.1');
    await once(edge, 'listening');
    const publicURL = `http://localhost:${(edge.address() as AddressInfo).port}`;
    const it = await instance(2, {publicURL});
    const asker = podAsker();
    const operator = await harness.operate({
      namespaces: [it.namespace],
      askForKeys: {ask: it.ask, published: (url) => asker.keys.published(url)},
    });
    await eventually(() => ready(it.see));
    await it.startPods();
    const kids = async (): Promise<string[]> => (await it.list()).map(({kid}) => kid);
    const before = signerOf(await it.list());
    shown = await kids();
    await it.annotate({[ROTATE]: '1'});
    await eventually(async () => (await it.states()) === 'Signing,Published');
    const waiting = await eventually(async () => {
      const condition = await it.see.condition('KeysHealthy');
      return condition.message.includes('public URL') && condition;
    });
    expect(waiting).toMatchObject({status: 'True', reason: 'Rotating'});
    // The pods serve it all the while, and caches have long expired.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    expect(await it.states()).toBe('Signing,Published');
    expect(signerOf(await it.list())).toBe(before);
    expect(asked).toBeGreaterThan(1);
    shown = await kids();
    await eventually(async () => (await it.states()) === 'Signing,Retiring');
    expect(signerOf(await it.list())).not.toBe(before);
    await operator.stop();
    await it.stop();
    await asker.close();
    edge.closeAllConnections();
    edge.close();
  });

  test('the operator is killed before and after every write of a rotation: one key is made, and it signs', async () => {
    const run = async (n: number, when: 'before' | 'after'): Promise<boolean> => {
      const it = await instance(1);
      const first = await harness.operate({namespaces: [it.namespace]});
      await eventually(() => ready(it.see));
      await first.stop();
      await it.startPods();
      const old = signerOf(await it.list());
      const {wrap, dead} = dyingAt(n, when);
      const second = await harness.operate({namespaces: [it.namespace], askForKeys: it, wrap});
      await it.annotate({[ROTATE]: 'now'});
      const done = async (): Promise<boolean> => (await it.states()) === 'Signing,Retiring';
      await eventually(async () => dead() || done());
      await second.stop();
      const third = await harness.operate({namespaces: [it.namespace], askForKeys: it});
      await eventually(done);
      await third.stop();
      const keys = await it.list();
      expect(keys.map(({use}) => use).sort()).toEqual(['sign', 'verify']);
      expect(keys.find(({use}) => use === 'verify')?.kid).toBe(old);
      await it.stop();
      return dead();
    };
    // Publish, served, sign, switched, and the status with them; the last of these is one more than there are.
    const places = WRITES.flatMap((n) => [run(n, 'before'), run(n, 'after')]);
    const died = await Promise.all(places);
    const cases = died.filter(Boolean).length;
    expect(died.at(-1)).toBe(false);
    console.log(`kills (real API server): rotation: ${cases} of ${cases} ended in the same state`);
    expect(cases).toBeGreaterThanOrEqual(ALL ? 8 : 4);
  });
});

/** What a pod answers that shows this certificate. */
function showing({cert}: TestCertificate): Harness['answer'] {
  const certificate = new X509Certificate(cert);
  const shown = {fingerprint: fingerprintOf(certificate), notAfter: Date.parse(certificate.validTo)};
  return () => ({auth: 'healthy', oauthProvider: 'ok', db: 'ok', certificates: [shown], errors: []});
}

const data = ({cert, key}: {cert: string; key: string}) => ({'tls.crt': cert, 'tls.key': key});

test('a service begins to speak https, and its certificate is renewed without a write to anything that runs', async () => {
  const {namespace, see, key} = await harness.prepare();
  const address = `10.0.0.${++addresses}`;
  await createSecret(harness.admin, namespace, 'auth-tls', data({...first, key: second.key}));
  const controllers = playControllers(see);
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {publicURL: 'https://auth.example.com'}));
  const operator = await harness.operate({namespaces: [namespace]});
  const reason = async (type: string): Promise<string> => (await see.condition(type)).reason;
  const ports = async (): Promise<string[]> => {
    const service = await see.get<KubeObject & {spec: {ports: {name: string; port: number}[]}}>(
      RESOURCES.Service,
      'auth',
    );
    return (service?.spec.ports ?? []).map(({name, port}) => `${name} ${port}`);
  };
  const renew = (pair: {cert: string; key: string}) =>
    harness.admin.mergePatch(RESOURCES.Secret, {namespace, name: 'auth-tls'}, {stringData: data(pair)});
  await eventually(async () => (await reason('Ready')) === 'Ready');
  expect(await ports()).toEqual(['http 80']);

  // The pair does not fit: the change waits, and what runs is reached as before.
  const tls = {inPod: {certificateSecretRef: {name: 'auth-tls'}}};
  await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {tls}});
  await eventually(async () => (await reason('CertificateReady')) === 'CertificateInvalid');
  expect(await reason('Ready')).toBe('CertificateInvalid');
  expect(await ports()).toEqual(['https 443', 'http 80']);

  await renew(first);
  await eventually(async () => (await reason('Ready')) === 'Ready');
  await eventually(async () => (await ports()).join() === 'https 443');
  const live = async (): Promise<Deployment> => {
    const found = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    if (found === undefined) throw new Error('there is no Deployment');
    return found;
  };
  const before = await live();
  harness.answer = showing(first);
  await see.createPod('auth-0', before, before.spec?.template?.metadata?.labels ?? {}, {
    phase: 'Running',
    podIP: address,
    podIPs: [{ip: address}],
    conditions: [{type: 'Ready', status: 'True'}],
  });
  await eventually(async () => (await reason('CertificateReady')) === 'Served');

  const renewing = new Date();
  await renew(second);
  await eventually(async () => (await reason('CertificateReady')) === 'Renewing');
  expect((await live()).metadata.generation).toBe(before.metadata.generation);
  const writes = await harness.writesSince(renewing, namespace);
  expect(writes.filter((each) => !each.endsWith('/status'))).toEqual([]);

  await renew({...first, key: second.key});
  await eventually(async () => (await reason('CertificateReady')) === 'CertificateInvalid');
  expect((await see.condition('Ready')).message).toContain('What runs keeps serving');
  expect(JSON.stringify((await see.resource()).status)).not.toContain('PRIVATE KEY');
  await operator.stop();
  await controllers.stop();
});

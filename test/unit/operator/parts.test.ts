import {describe, expect, test} from 'vitest';
import type {FraiseQLAuth} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import {ApiError, ForeignObjectError} from '../../../src/kube/client.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {configurationFrom} from '../../../src/operator/configuration.ts';
import {mintSigningKey, mintStateKey} from '../../../src/operator/reconcile/mint.ts';
import {keysIn, viewKey, withoutSecrets} from '../../../src/operator/key-view.ts';
import {mergePatch} from '../../../src/operator/reconcile/merge-patch.ts';
import {notOlder, Overlay} from '../../../src/operator/observe/overlay.ts';
import {policyOf} from '../../../src/operator/reconcile/policy.ts';
import {versionOf} from '../../../src/operator/decide/version.ts';
import {writeStatus} from '../../../src/operator/reconcile/write-status.ts';
import {lastLine, oneLine} from '../../../src/operator/decide/pods.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {FakeClock} from './fake-clock.ts';

const object = (resourceVersion: string, uid = 'u') => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {name: 'a', namespace: 'n', uid, resourceVersion},
});

describe('our own writes, until the watch has shown them', () => {
  test('a write counts until the store has it or something newer', () => {
    const overlay = new Overlay(new FakeClock());
    const written = object('10');
    overlay.wrote(written);
    expect(overlay.see('Service', 'n/a', undefined)).toBe(written);
    expect(overlay.see('Service', 'n/a', object('9'))).toBe(written);
    const newer = object('11');
    expect(overlay.see('Service', 'n/a', newer)).toBe(newer);
    expect(overlay.see('Service', 'n/a', undefined)).toBeUndefined();
  });

  test('a write that is never shown counts until a list has come after it, and is told then', async () => {
    const clock = new FakeClock();
    const lapsed: string[] = [];
    const asked: string[] = [];
    const writtenAt = clock.monotonic();
    let listed = false;
    const overlay = new Overlay(clock, {
      listedSince(each, time) {
        expect(time).toBe(writtenAt);
        asked.push(each.kind);
        return listed;
      },
      lapsed: ({metadata}) => void lapsed.push(metadata.name),
    });
    overlay.wrote(object('10'));
    // The watch was faster than the answer.
    overlay.gone({...object('11'), kind: 'Deployment'});
    overlay.deleted({...object('11'), kind: 'Deployment'});
    expect(overlay.size).toBe(2);
    await clock.advance(29_000);
    expect(asked).toEqual([]);
    await clock.advance(20_000);
    expect(new Set(asked)).toEqual(new Set(['Service', 'Deployment']));
    expect(overlay.see('Service', 'n/a', undefined)).toEqual(object('10'));
    expect(lapsed).toEqual([]);
    listed = true;
    await clock.advance(5000);
    expect(lapsed).toEqual(['a']);
    expect(overlay.size).toBe(0);
  });

  test('the echo of a write, and what was before it, are told from a change', () => {
    const overlay = new Overlay(new FakeClock());
    const news: string[] = [];
    const show = (version: string): void => overlay.shown(object(version), () => news.push(version));
    overlay.wrote(object('10'));
    show('9');
    show('10');
    expect(news).toEqual([]);
    show('11');
    expect(news).toEqual(['11']);
  });

  test('what the watch shows while a write is under way is judged when that is over', async () => {
    const overlay = new Overlay(new FakeClock());
    const news: string[] = [];
    const show = (version: string): void => overlay.shown(object(version), () => news.push(version));
    await overlay.during('Service', 'n/a', async () => {
      await Promise.resolve();
      for (const version of ['9', '10', '12']) show(version);
      expect(news).toEqual([]);
      overlay.wrote(object('10'));
    });
    expect(news).toEqual(['12']);
    const later = object('12');
    expect(overlay.see('Service', 'n/a', later)).toBe(later);
    // Of a write that failed nothing is known: all is news.
    const failing = overlay.during('Service', 'n/a', () => {
      show('13');
      return Promise.reject(new Error('no answer'));
    });
    await expect(failing).rejects.toThrow('no answer');
    expect(news).toEqual(['12', '13']);
  });

  test('what was deleted stays deleted, but for another in its place', () => {
    const overlay = new Overlay(new FakeClock());
    overlay.deleted(object('10', 'old'));
    expect(overlay.see('Service', 'n/a', object('10', 'old'))).toBeUndefined();
    const other = object('12', 'new');
    expect(overlay.see('Service', 'n/a', other)).toBe(other);
  });

  test('a write that the watch never shows is not believed for ever', async () => {
    const clock = new FakeClock();
    const overlay = new Overlay(clock);
    overlay.wrote(object('10'));
    await clock.advance(31_000);
    expect(overlay.see('Service', 'n/a', undefined)).toBeUndefined();
  });

  test('versions are numbers of any length', () => {
    expect(notOlder('99999999999999999999', '9')).toBe(true);
    expect(notOlder('9', '10')).toBe(false);
    expect(notOlder('abc', 'abd')).toBe(false);
  });
});

describe('errors carry their policy', () => {
  const subject = {apiVersion: 'v1', kind: 'Service', name: 'auth'};
  const policy = (status: number, reason: string, message = 'x', detail = {}) =>
    policyOf(new ApiError(status, reason, message, detail), subject);

  test('what a person has to mend goes into the status, what passes is waited for, the rest is tried again', () => {
    expect(policy(422, 'Invalid', 'create services n/auth: 422 Invalid: port is taken')).toMatchObject({
      kind: 'refused',
      problem: {reason: 'ObjectRefused', message: 'The API server refused Service auth: port is taken'},
    });
    expect(policy(403, 'Forbidden')).toMatchObject({kind: 'refused'});
    expect(policy(409, 'Terminating')).toMatchObject({kind: 'wait'});
    expect(policy(409, 'Conflict')).toMatchObject({kind: 'retry'});
    expect(policy(429, 'TooManyRequests', 'x', {retryAfterMs: 4000})).toMatchObject({
      kind: 'retry',
      retryMs: 4000,
      goesOn: false,
    });
    expect(policy(500, 'InternalError')).toMatchObject({kind: 'retry', goesOn: true});
    const mistyped =
      'failed to create typed patch object (n/auth; /v1, Kind=Service): .spec.prots: field not declared in schema';
    expect(
      policy(500, 'InternalError', `apply services n/auth: 500 InternalError: ${mistyped}`),
    ).toMatchObject({
      kind: 'refused',
      problem: {reason: 'ObjectRefused', message: `The API server refused Service auth: ${mistyped}`},
    });
    expect(policy(0, 'ConnectionRefused')).toMatchObject({kind: 'retry'});
    const foreign = policyOf(new ForeignObjectError(object('1'), 'it has no label x'), subject);
    expect(foreign).toMatchObject({
      kind: 'refused',
      problem: {reason: 'ObjectNotOurs', message: 'Service n/a exists and is not ours (it has no label x)'},
    });
    const taken = {kind: 'FraiseQLAuth', name: 'a-backup'};
    expect(policyOf(new ForeignObjectError(object('1'), 'x', taken), subject)).toMatchObject({
      problem: {
        reason: 'ObjectNotOurs',
        hint: expect.stringMatching(/^It belongs to FraiseQLAuth a-backup.* another name for one of the two/),
      },
    });
    expect(() => policyOf(new TypeError('a mistake of ours'), subject)).toThrow('a mistake of ours');
  });
});

describe('a status', () => {
  const writing = (error: ApiError, uidNow: string) => {
    const metadata = {name: 'liquid', namespace: 'n', uid: 'u', generation: 1};
    const resource = {
      apiVersion: 'auth.fraiseql.dev/v1alpha1',
      kind: 'FraiseQLAuth',
      metadata,
    } as unknown as FraiseQLAuth & KubeObject;
    const now = {...resource, metadata: {...metadata, uid: uidNow}};
    const cluster = {
      async get() {
        return now;
      },
      async jsonPatch() {
        throw error;
      },
    };
    return writeStatus(
      {
        cluster: cluster as unknown as Parameters<typeof writeStatus>[0]['cluster'],
        overlay: new Overlay(new FakeClock()),
        events: {record: () => undefined},
        logger: createLogger({component: 'operator', level: 'silent'}),
        resource,
        signal: new AbortController().signal,
      },
      {observedGeneration: 1},
    );
  };

  test('of a resource that is gone is left out; a conflict is none of that, whatever the resource is called', async () => {
    const changed = new ApiError(409, 'Conflict', 'patch n/liquid: 409 Conflict: "liquid" has been modified');
    await expect(writing(changed, 'u')).rejects.toThrow('has been modified');
    const refused = new ApiError(422, 'Invalid', 'patch n/liquid: 422 Invalid: status.replicas');
    await expect(writing(refused, 'u')).rejects.toThrow('status.replicas');
    expect(await writing(refused, 'another')).toBe(false);
    expect(await writing(new ApiError(404, 'NotFound', 'patch n/liquid: 404'), 'u')).toBe(false);
  });
});

describe('keys', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    '%s: made, recognised, and never shown',
    async (algorithm) => {
      const {kid, pem} = await mintSigningKey(algorithm);
      expect(kid).toMatch(/^[\w-]{43}$/);
      expect(viewKey(kid, pem)).toEqual({kid, algorithm});
      const data = {[`${kid}.pem`]: Buffer.from(pem).toString('base64')};
      const secret = withoutSecrets({...object('1'), kind: 'Secret', data});
      expect(keysIn(secret)).toEqual([{kid, algorithm}]);
      expect(JSON.stringify(secret)).not.toContain(data[`${kid}.pem`]?.slice(40, 80));
    },
  );

  test('32 random bytes, each time others', () => {
    expect(Buffer.from(mintStateKey(), 'base64')).toHaveLength(32);
    expect(mintStateKey()).not.toBe(mintStateKey());
  });

  test('what cannot sign is told without a word of it', () => {
    const view = viewKey('k', '-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----');
    expect(view).toEqual({kid: 'k', problem: 'it is not a private key in PEM form'});
  });
});

describe('small parts', () => {
  test('a merge patch holds what differs, and nothing where nothing does', () => {
    expect(mergePatch({a: 1, b: {c: [1]}}, {a: 1, b: {c: [1]}})).toBeUndefined();
    expect(mergePatch({a: 1, b: {c: 1, d: 2}, e: 1}, {a: 2, b: {c: 1}})).toEqual({
      a: 2,
      b: {d: null},
      e: null,
    });
    expect(mergePatch({list: [{a: 1}]}, {list: [{a: 1, b: 2}]})).toEqual({list: [{a: 1, b: 2}]});
  });

  test('the version of an image', () => {
    const own = {image: 'r.test/f:1', version: '1.4.0'};
    expect(versionOf('r.test/f:1', own)).toBe('1.4.0');
    expect(versionOf('r.test:5000/f:2.0.0', own)).toBe('2.0.0');
    expect(versionOf('r.test:5000/f', own)).toBe('latest');
    expect(versionOf(`r.test/f@sha256:${'ab'.repeat(32)}`, own)).toBe('abababababab');
  });

  test('the last line that says something', () => {
    expect(lastLine('one\n\ntwo\n\n')).toBe('two');
    expect(lastLine('{"msg":"cannot start","err":{"message":"no port"}}')).toBe('cannot start: no port');
    expect(lastLine('{broken')).toBe('{broken');
    expect(lastLine('')).toBeUndefined();
    expect(oneLine(`a\n${'b'.repeat(500)}`)).toHaveLength(400);
    expect(oneLine('postgres://u:p@h/d')).toBe('postgres://[redacted]@h/d');
  });
});

describe('the environment', () => {
  const defaults = {namespace: 'system', hostname: 'pod-1'};

  test('what is not said has its default', () => {
    expect(configurationFrom({OPERATOR_IMAGE: 'r.test/f:1'}, defaults)).toEqual({
      watchNamespaces: [],
      namespace: 'system',
      identity: expect.stringMatching(/^pod-1-\d+$/),
      image: 'r.test/f:1',
      leaderElect: true,
      leaseName: 'fraiseql-auth-operator',
      assignedIds: false,
      metricsPort: 8080,
      healthPort: 8081,
      logLevel: 'info',
    });
    const env = {
      OPERATOR_IMAGE: 'x',
      WATCH_NAMESPACE: ' a, b,a ',
      POD_NAME: 'me',
      LEADER_ELECT: 'false',
      HEALTH_PORT: '0',
      LEASE_NAME: 'team-a',
      POD_IDS: 'assigned',
    };
    expect(configurationFrom(env, defaults)).toMatchObject({
      watchNamespaces: ['a', 'b'],
      identity: 'me',
      leaderElect: false,
      healthPort: 0,
      leaseName: 'team-a',
      assignedIds: true,
    });
  });

  test('all that is wrong is said at once', () => {
    const env = {
      WATCH_NAMESPACE: 'A',
      METRICS_PORT: '-1',
      LEADER_ELECT: 'perhaps',
      LEASE_NAME: 'A lease',
      POD_IDS: '1000',
      LOG_LEVEL: 'loud',
    };
    expect(() => configurationFrom(env, {hostname: 'h'})).toThrow(
      /WATCH_NAMESPACE[^]*LEADER_ELECT[^]*POD_NAMESPACE[^]*LEASE_NAME[^]*POD_IDS[^]*OPERATOR_IMAGE[^]*LOG_LEVEL[^]*METRICS_PORT/,
    );
  });
});

import {describe, expect, test} from 'vitest';
import {CONDITIONS} from '../../../src/api/v1alpha1/conditions.ts';
import type {CertificateView, HealthReport, SecretView} from '../../../src/operator/observed.ts';
import {nextPins} from '../../../src/operator/decide/certificates.ts';
import type {PairFault} from '../../../src/support/certificate.ts';
import {developmentSpec} from '../../fixtures/specs.ts';
import {World} from './world.ts';

const DAY = 24 * 3_600_000;
const TLS = {tls: {inPod: {certificateSecretRef: {name: 'auth-tls'}}}, publicURL: 'https://auth.example.com'};

const certificate = (now: number, fingerprint: string, more: Partial<CertificateView> = {}) => ({
  fingerprint,
  names: 'DNS:auth.example.com',
  notBefore: now - DAY,
  notAfter: now + 89 * DAY,
  ...more,
});
const secret = (held: CertificateView | PairFault): SecretView => ({
  hashes: new Map(['tls.crt', 'tls.key'].map((key) => [key, JSON.stringify(held)])),
  certificate: held,
});
const shows = (...certificates: CertificateView[]): HealthReport => ({
  auth: 'healthy',
  oauthProvider: 'ok',
  db: 'ok',
  certificates: certificates.map(({fingerprint, notAfter}) => ({fingerprint, notAfter})),
  errors: [],
  checkedAt: '2026-11-23T12:00:00Z',
  sinceMs: 0,
});

/** One whose pods speak https. */
function encrypted(
  make: (now: number) => CertificateView | PairFault = (now) => certificate(now, 'a1'),
): World {
  const world = new World(developmentSpec(TLS));
  world.secrets.set('auth-tls', secret(make(world.now)));
  return world.settle();
}
const told = (world: World): string => {
  world.pass();
  const {status, reason} = world.condition('CertificateReady') ?? {status: '', reason: ''};
  expect(CONDITIONS.CertificateReady.reasons).toContain(reason);
  return `${status} ${reason}`;
};

describe('the certificate of the pods', () => {
  test('is renewed without another pod, and the condition follows what pods show', () => {
    const world = encrypted();
    expect(told(world)).toBe('Unknown NotYetKnown');
    const [first, second] = [certificate(world.now, 'a1'), certificate(world.now, 'b2')];
    world.health = shows(first);
    expect(told(world)).toBe('True Served');
    const {deployment} = world;

    world.secrets.set('auth-tls', secret(second));
    expect(world.pass()).toEqual([]);
    expect(told(world)).toBe('True Renewing');
    world.health = shows(first, second);
    expect(told(world)).toBe('True Renewing');
    world.health = shows(second);
    expect(told(world)).toBe('True Served');
    expect(world.condition('CertificateReady')?.message).toBe(
      'The certificate for DNS:auth.example.com, valid until 2027-02-20T12:00:00Z, is what the pods show',
    );
    expect(world.deployment).toBe(deployment);
    expect(world.condition('Ready')?.status).toBe('True');
  });

  test('soon at its end is told in time, at its end it makes the service unready', () => {
    const world = encrypted();
    world.health = shows(certificate(world.now, 'a1'));
    world.now += 74 * DAY;
    expect(told(world)).toBe('True Served');
    world.now += 2 * DAY;
    expect(told(world)).toBe('False ExpiresSoon');
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.status?.blockedOn).toMatchObject([
      {
        reason: 'ExpiresSoon',
        message:
          'The certificate in Secret auth-tls, for DNS:auth.example.com, expires at 2027-02-20T12:00:00Z, and has not been renewed',
        hint: expect.stringContaining('the pods pick it up without a restart') as string,
        objectRef: {kind: 'Secret', name: 'auth-tls', key: 'tls.crt'},
      },
    ]);
    world.now += 14 * DAY;
    expect(told(world)).toBe('False CertificateExpired');
    expect(world.ready).toMatch(/^CertificateExpired: .* Renew it in Secret auth-tls/);

    // Renewed, and a pod still shows the one that is worth nothing.
    world.secrets.set('auth-tls', secret(certificate(world.now, 'b2')));
    expect(told(world)).toBe('False Renewing');
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.status?.blockedOn).toBeUndefined();
  });

  test('that lives a day only is not always soon at its end', () => {
    const world = encrypted((now) => certificate(now, 'a1', {notBefore: now, notAfter: now + DAY}));
    world.health = shows(certificate(world.now, 'a1'));
    world.now += 17 * 3_600_000;
    expect(told(world)).toBe('True Served');
    world.now += 4 * 3_600_000;
    expect(told(world)).toBe('False ExpiresSoon');
  });

  test('that is of tomorrow is of no use today; one of this moment is', () => {
    const early = encrypted((now) => certificate(now, 'a1', {notBefore: now + DAY}));
    expect(told(early)).toBe('False CertificateNotYetValid');
    expect(early.ready).toMatch(/^CertificateNotYetValid: /);
    expect(told(encrypted((now) => certificate(now, 'a1', {notBefore: now + 60_000})))).toBe(
      'Unknown NotYetKnown',
    );
  });

  test.each<[PairFault, RegExp]>([
    ['Mismatch', /the key in tls\.key is not that of the certificate in tls\.crt/],
    ['NoKey', /tls\.key holds no unencrypted private key/],
    ['NoCertificate', /tls\.crt holds no certificate/],
    ['Unusable', /OpenSSL does not accept/],
  ])('that cannot be used (%s) is named, rolls nothing, and leaves what runs', (fault, words) => {
    const world = encrypted();
    world.secrets.set('auth-tls', secret(fault));
    expect(told(world)).toBe('False CertificateInvalid');
    expect(world.condition('SecretsResolved')).toMatchObject({status: 'False', reason: 'CertificateInvalid'});
    const {message = ''} = world.condition('CertificateReady') ?? {};
    expect(message).toMatch(words);
    expect(message).toContain(
      'kubectl create secret tls auth-tls -n prod --cert=CHAIN.pem --key=KEY.pem --dry-run=client',
    );
    world.change({logging: {level: 'debug'}});
    expect(world.pass()).toEqual([]);
    world.secrets.set('auth-tls', secret(certificate(world.now, 'b2')));
    expect(world.pass()).not.toEqual([]);
  });

  test('that is not there, or lacks a key, has its remedy', () => {
    const missing = new World(developmentSpec(TLS));
    missing.pass();
    expect(missing.ready).toBe(
      'SecretNotFound: Secret auth-tls does not exist in namespace prod; spec.tls.inPod.certificateSecretRef names it. Create it: kubectl create secret tls auth-tls -n prod --cert=CHAIN.pem --key=KEY.pem; or let cert-manager write it.',
    );
    expect(missing.condition('CertificateReady')).toMatchObject({status: 'False', reason: 'SecretNotFound'});
    missing.secret('auth-tls', {'tls.crt': 'x', 'tls.key': ''});
    expect(told(missing)).toBe('False SecretValueInvalid');
    missing.secret('auth-tls', {'tls.crt': 'x'});
    expect(told(missing)).toBe('False SecretKeyNotFound');
    expect(missing.condition('CertificateReady')?.message).toContain(
      'it has: tls.crt. Write a certificate with its key: kubectl create secret tls auth-tls -n prod',
    );
  });

  test.each([{}, {'tls.crt': 'x'}, {'tls.crt': 'x', 'tls.key': ''}])(
    'in a Secret that holds other things, %o, is to come from another: nothing there is replaced',
    (pair) => {
      const world = new World(developmentSpec(TLS));
      world.secret('auth-tls', {password: 'hush', ...pair});
      world.pass();
      const {message = ''} = world.condition('CertificateReady') ?? {};
      expect(message).toContain(
        'Name another Secret in spec.tls.inPod.certificateSecretRef, for this one holds other things, and create it: kubectl create secret tls NAME -n prod --cert=CHAIN.pem --key=KEY.pem; or let',
      );
      expect(message).not.toMatch(/replace|: [^:]*: Name/);
    },
  );

  test('is spoken of only where there is one', () => {
    const world = new World().settle();
    expect(world.condition('CertificateReady')).toBeUndefined();
  });
});

describe('the Service, when pods begin to speak https', () => {
  const ports = (world: World): string[] =>
    (world.children.get('Service/auth') as unknown as {spec: {ports: {name: string}[]}}).spec.ports.map(
      ({name}) => name,
    );

  test('leads to those that do not yet, as long as there are such', () => {
    const world = new World(developmentSpec({publicURL: TLS.publicURL})).settle();
    world.secrets.set('auth-tls', secret(certificate(world.now, 'a1')));
    expect(ports(world)).toEqual(['http']);
    const live = world.deployment;
    if (live === undefined) throw new Error('no Deployment');
    world.pods = [world.pod('old', live, {phase: 'Running'})];
    world.checks = 'manual';
    world.change(TLS);
    world.pass();
    expect(ports(world)).toEqual(['https', 'http']);
    // Refused: what runs is reached as before.
    world.endCheck('{"kind":"check","ok":false,"reason":"CheckFailed","message":"no","hint":""}');
    world.pass();
    expect(ports(world)).toEqual(['https', 'http']);
    world.change({restartToken: 'again'});
    world.pass();
    world.endCheck();
    world.pass();
    expect(ports(world)).toEqual(['https', 'http']);
    world.pods = [];
    world.pass();
    expect(ports(world)).toEqual(['https']);
  });
});

describe('the certificates by which a pod is known', () => {
  const names = (pins: ReturnType<typeof nextPins>): string =>
    pins.map(({fingerprint}) => fingerprint).join();
  const see = (fingerprint: string) => secret(certificate(0, fingerprint));

  test('are that of the Secret, and for an hour those that it replaced', () => {
    const first = nextPins([], see('a'), 0);
    const second = nextPins(first, see('b'), 1000);
    expect([names(first), names(second)]).toEqual(['a', 'b,a']);
    expect(second.map(({until}) => until)).toEqual([Infinity, 3_601_000]);
    expect(names(nextPins(second, see('b'), 3_600_000))).toBe('b,a');
    expect(names(nextPins(second, see('b'), 3_601_000))).toBe('b');
    expect(names(nextPins(second, see('a'), 2000))).toBe('a,b');
    expect(names(nextPins(second, undefined, 2000))).toBe('b,a');
    expect(names(nextPins(second, secret('Mismatch'), 2000))).toBe('b,a');
    let many = second;
    for (const each of 'cdefgh') many = nextPins(many, see(each), 2000);
    expect(names(many)).toBe('h,g,f,e');
  });
});

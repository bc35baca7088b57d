import {describe, expect, test} from 'vitest';
import {parseErrors, parseHealth, parseKids, parseSigning} from '../../../src/operator/observe/ask-pod.ts';
import {merge, Prober, type PodAnswer} from '../../../src/operator/observe/prober.ts';
import {FakeClock} from './fake-clock.ts';

const good: PodAnswer = {auth: 'healthy', oauthProvider: 'ok', db: 'ok', errors: []};
const away: PodAnswer = {
  auth: 'unhealthy',
  oauthProvider: 'ok',
  db: 'error',
  errors: [{dependency: 'database', reason: 'unreachable'}],
};
const late: PodAnswer = {
  auth: 'degraded',
  oauthProvider: 'error',
  db: 'ok',
  errors: [{dependency: 'provider:google', reason: 'timeout'}],
};

describe('one word from several pods', () => {
  test('the database answers when it answers any, a provider fails when it fails for one', () => {
    expect(merge([])).toBeUndefined();
    expect(merge([undefined, undefined])).toBeUndefined();
    expect(merge([good, undefined, good])).toEqual(good);
    expect(merge([away, good])).toEqual(good);
    expect(merge([away, away])).toEqual(away);
    expect(merge([good, late])).toEqual(late);
    const [shared, alone] = [
      {...good, cache: 'ok' as const},
      {...good, auth: 'degraded' as const, cache: 'error' as const},
    ];
    expect(merge([shared, shared])).toEqual(shared);
    expect(merge([shared, alone])).toEqual(alone);
  });
});

describe('asking', () => {
  function prober(answer: () => PodAnswer) {
    const clock = new FakeClock();
    const changed: number[] = [];
    let asked = 0;
    const subject = new Prober({
      clock,
      logger: {debug: () => undefined},
      targets: () => [1, 2, 3, 4].map((n) => ({address: `10.0.0.${n}`})),
      ask: () => {
        asked++;
        const given = answer();
        return given === undefined ? Promise.reject(new Error('no route')) : Promise.resolve(given);
      },
      onChange: () => changed.push(clock.now()),
      random: () => 0.5,
    });
    return {subject, clock, changed, asked: () => asked};
  }

  test('tells only what is new, every 10 s while all is well and every 3 s while not', async () => {
    let now = good;
    const {subject, clock, changed, asked} = prober(() => now);
    expect(subject.report('a/b')).toBeUndefined();
    await clock.advance(0);
    expect(subject.report('a/b')).toMatchObject({auth: 'healthy'});
    expect(changed).toHaveLength(1);
    expect(asked()).toBe(3);
    await clock.advance(30_000);
    expect(changed).toHaveLength(1);
    expect(asked()).toBe(12);
    now = away;
    await clock.advance(10_000);
    expect(subject.report('a/b')).toMatchObject({db: 'error'});
    expect(changed).toHaveLength(2);
    now = good;
    await clock.advance(3000);
    expect(subject.report('a/b')).toMatchObject({db: 'ok'});
    expect(changed).toHaveLength(3);
    subject.stop();
  });

  test('silence becomes "unknown" only when it lasts', async () => {
    let now: PodAnswer = good;
    const {subject, clock} = prober(() => now);
    subject.report('a/b');
    await clock.advance(0);
    now = undefined;
    await clock.advance(20_000);
    expect(subject.report('a/b')).toMatchObject({auth: 'healthy'});
    await clock.advance(10_000);
    expect(subject.report('a/b')).toBeUndefined();
    subject.stop();
  });

  test('pods that never answer are asked less and less often, and as ever when they have answered', async () => {
    let now: PodAnswer = undefined;
    const {subject, clock, asked} = prober(() => now);
    subject.report('a/b');
    await clock.advance(600_000);
    // Three at a time; every three seconds it would be two hundred times.
    expect(asked() / 3).toBeLessThan(20);
    now = away;
    await clock.advance(60_000);
    expect(subject.report('a/b')).toMatchObject({db: 'error'});
    now = good;
    await clock.advance(3000);
    expect(subject.report('a/b')).toMatchObject({db: 'ok'});
    subject.stop();
  });

  test('one that is forgotten is asked no more', async () => {
    const {subject, clock, asked} = prober(() => good);
    subject.report('a/b');
    await clock.advance(0);
    subject.forget('a/b');
    const before = asked();
    await clock.advance(60_000);
    expect(asked()).toBe(before);
  });
});

describe('what a pod answers', () => {
  test.each(['', 'nonsense', '[]', 'null', '{"auth": 7}', '<html>'])('%j is no health', (text) => {
    expect(parseHealth(text)).toBeUndefined();
  });

  test('the body of /health/auth, and the causes in the metrics', () => {
    expect(parseHealth('{"auth":"degraded","oauth_provider":"error","db":"ok"}')).toEqual({
      auth: 'degraded',
      oauthProvider: 'error',
      db: 'ok',
      errors: [],
    });
    expect(parseHealth('{"auth":"degraded","oauth_provider":"ok","db":"ok","redis":"error"}')).toMatchObject({
      cache: 'error',
    });
    const metrics = [
      '# TYPE fraiseql_auth_dependency_error gauge',
      'fraiseql_auth_dependency_error{dependency="database",reason="timeout"} 0',
      'fraiseql_auth_dependency_error{reason="invalid_response",dependency="provider:google"} 1',
      'other{dependency="x",reason="y"} 1',
    ].join('\n');
    expect(parseErrors(metrics)).toEqual([{dependency: 'provider:google', reason: 'invalid_response'}]);
  });
});

describe('what a pod says of its keys', () => {
  test('the kids of its JWK Set, and nothing from what is none', () => {
    expect(parseKids('{"keys":[{"kid":"b","kty":"EC"},{"kid":"a"},{"kty":"RSA"},null]}')).toEqual(['a', 'b']);
    for (const text of ['', '<html>', '[]', '{}', 'null', '{"keys":{}}'])
      expect(parseKids(text)).toBeUndefined();
  });

  test('which signs, and how long its tokens live', () => {
    const text = [
      '# TYPE fraiseql_auth_signing_key gauge',
      'fraiseql_auth_signing_key{kid="old",algorithm="RS256"} 0',
      'fraiseql_auth_signing_key{kid="new",algorithm="ES256"} 1',
      'fraiseql_auth_access_token_lifetime_seconds 3600',
    ].join('\n');
    expect(parseSigning(text)).toEqual({signer: 'new', tokenTTLSeconds: 3600});
    expect(parseSigning('')).toEqual({signer: undefined, tokenTTLSeconds: undefined});
  });
});

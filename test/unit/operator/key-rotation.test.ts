import {describe, expect, test} from 'vitest';
import {MAX_KEYS} from '../../../src/api/v1alpha1/signing-keys.ts';
import {LATE_MS} from '../../../src/operator/decide/key-due.ts';
import {turn} from '../../../src/operator/decide/key-rotation.ts';
import {HOUR, Keys, START} from './keys.ts';

describe('a rotation', () => {
  test('publishes, signs when every replica and cache has it, and retires when the last token has expired', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(3 * HOUR);
    expect(keys.states).toEqual([
      'k1 Signing',
      'k1 Signing, k2 Published',
      'k1 Signing, k2 Published',
      'k1 Retiring, k2 Signing',
      'k1 Retiring, k2 Signing',
      'k2 Signing',
    ]);
    // What was asked for is done once.
    keys.run(HOUR);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
    expect(keys.pass()).toMatchObject({changed: false, waiting: undefined, dueAt: undefined});
  });

  test('by the schedule the next key is published publishBefore ahead, and signs rotateEvery after the last did', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, rotateEverySeconds: 24 * 3600, publishBeforeSeconds: 2 * 3600};
    expect(keys.pass().dueAt).toBe(START + 22 * HOUR);
    keys.run(22 * HOUR);
    expect(keys.ring?.keys.map(({state}) => state)).toEqual(['Signing', 'Published']);
    keys.run(2 * HOUR - 60_000);
    expect(keys.signer).toBe('k1');
    keys.run(120_000);
    expect(keys.signer).toBe('k2');
    keys.run(24 * HOUR);
    expect(keys.signer).toBe('k3');
  });

  test.each([
    [3600, 60, 30],
    [24 * 3600, 60, 90],
    [24 * 3600, 3 * 3600, 150],
    [10 * 3600, 3600, 150],
  ])(
    'as often as the rule lets it, with tokens of %i s published %i s ahead, comes in time: the keys suffice',
    (tokenTTLSeconds, publishBeforeSeconds, lagSeconds) => {
      const keys = new Keys(1);
      keys.lagMs = lagSeconds * 1000;
      const rotateEverySeconds = Math.ceil((tokenTTLSeconds + publishBeforeSeconds + 300) / 7);
      keys.wanted = {
        ...keys.wanted,
        tokenTTLSeconds,
        publishBeforeSeconds,
        rotateEverySeconds,
        maxAgeSeconds: 30,
      };
      keys.pods = [];
      keys.start('auth-0');
      let most = 0;
      for (let n = 0; n < 12 * rotateEverySeconds; n += 15) {
        keys.tick();
        expect(keys.pass().full).toBe(false);
        most = Math.max(most, keys.material.length);
      }
      expect(most).toBeGreaterThanOrEqual(MAX_KEYS - 1);
      expect(Number(keys.signer.slice(1))).toBeGreaterThanOrEqual(11);
    },
  );

  test('asked for when there are as many keys as may be waits until one has gone, and says so', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, tokenTTLSeconds: 3 * 3600};
    for (let n = 0; keys.material.length < MAX_KEYS; n++) {
      keys.rotate = `ask ${n}`;
      keys.run(HOUR / 6);
      if (n > 20) throw new Error('there are never so many');
    }
    keys.rotate = 'once more';
    const rotation = keys.pass();
    expect(rotation).toMatchObject({full: true, mint: undefined});
    expect(rotation.dueAt).toBeDefined();
    keys.run(3 * HOUR);
    expect(keys.pass().full).toBe(false);
    expect(keys.ring?.request).toBe('once more');
  });

  test('stops while a pod lags, says which, and goes on by itself', () => {
    const keys = new Keys();
    keys.stuck.add('auth-1');
    keys.rotate = 'now';
    keys.run(LATE_MS - 20_000);
    expect(keys.pass().waiting).toEqual({
      kid: 'k2',
      until: 'served',
      pods: ['auth-1'],
      unheard: [],
      publicURL: false,
      late: false,
    });
    keys.run(HOUR);
    expect(keys.signer).toBe('k1');
    expect(keys.pass().waiting).toMatchObject({pods: ['auth-1'], late: true});
    keys.stuck.clear();
    keys.run(HOUR);
    expect(keys.signer).toBe('k2');
  });

  test('keeps the old key while a pod may still sign with it', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.signer === 'k1') keys.tick();
    keys.stuck.add('auth-2');
    keys.run(5 * HOUR);
    expect(keys.pass().waiting).toMatchObject({kid: 'k1', until: 'signed-with-another', pods: ['auth-2']});
    expect(keys.material).toHaveLength(2);
    keys.stuck.clear();
    keys.run(2 * HOUR);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
  });

  test('waits for a public URL that answers without the key, and not for one that cannot be asked', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(120_000);
    const lacking = turn({...keys.inputs(), publicKids: ['k1']});
    expect(lacking.waiting).toMatchObject({publicURL: true, pods: []});
    expect(lacking.ring.keys.find(({kid}) => kid === 'k2')).not.toHaveProperty('servedSince');
    keys.now += HOUR;
    expect(turn({...keys.inputs(), publicKids: ['k1']}).ring.keys[0]?.state).toBe('Signing');
    expect(turn({...keys.inputs(), publicKids: ['k1', 'k2']}).ring.keys[0]?.state).toBe('Retiring');
  });

  test('holds while no pod can be asked', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(120_000);
    const gone = keys.pods;
    keys.pods = [];
    keys.run(24 * HOUR);
    expect(keys.signer).toBe('k1');
    keys.pods = gone;
    keys.run(HOUR);
    expect(keys.signer).toBe('k2');
  });

  test('a key that others know goes at once, whatever it does', () => {
    const keys = new Keys();
    keys.retire = 'k1';
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
    // The annotation may stay.
    expect(keys.pass().changed).toBe(false);
    keys.rotate = 'now';
    keys.pass();
    keys.retire = 'k3';
    keys.pass();
    expect(keys.signer).toBe('k2');
    expect(keys.material.map(({kid}) => kid)).toEqual(['k2']);
  });

  test('of a published key and one that signs and goes, the published one signs next', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.pass();
    keys.retire = 'k1';
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
  });

  test('an algorithm is changed as a key is, and changed back before that costs nothing', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, algorithm: 'RS256'};
    keys.run(60_000);
    expect(keys.ring?.keys.map(({algorithm, state}) => `${algorithm} ${state}`)).toEqual([
      'ES256 Signing',
      'RS256 Published',
    ]);
    keys.wanted = {...keys.wanted, algorithm: 'ES256'};
    keys.pass();
    expect(keys.material.map(({kid}) => kid)).toEqual(['k1']);
    keys.wanted = {...keys.wanted, algorithm: 'EdDSA'};
    keys.run(3 * HOUR);
    expect(keys.material).toEqual([expect.objectContaining({algorithm: 'EdDSA'})]);
  });

  test('a ring that was lost is made anew: the key that signs goes on, others verify until their tokens have gone', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.signer === 'k1') keys.tick();
    keys.material = keys.material.map((each) => ({...each, signs: each.kid === 'k2'}));
    keys.ring = undefined;
    keys.rotate = undefined;
    keys.pass();
    expect(keys.states.at(-1)).toBe('k1 Retiring, k2 Signing');
    keys.run(3 * HOUR);
    expect(keys.material.map(({kid}) => kid)).toEqual(['k2']);
  });

  test('a key that somebody took away is not missed, and one that somebody put there takes its turn', () => {
    const keys = new Keys();
    keys.material = [];
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
    keys.material.push({kid: 'own', algorithm: 'ES256'});
    keys.pass();
    const pods = keys.pods.map(({name}) => name);
    keys.pods = [];
    for (const name of pods) keys.start(name);
    [keys.tokens, keys.caches] = [[], []];
    keys.run(HOUR);
    expect(keys.signer).toBe('own');
  });

  test('however often it is asked for, there are never more keys than a handful', () => {
    const keys = new Keys();
    for (let n = 0; n < 30; n++) {
      keys.rotate = String(n);
      keys.run(480_000);
      expect(keys.material.length).toBeLessThanOrEqual(8);
    }
    keys.run(5 * HOUR);
    expect(keys.material).toHaveLength(1);
  });

  test('an operator whose clock is ahead takes no key away, and lets none sign, before its time', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(120_000);
    // Every replica serves the new key since just now.
    expect(keys.ring?.keys[1]?.servedSince).toBeDefined();
    keys.handOver(2 * HOUR);
    keys.pass();
    expect(keys.signer).toBe('k1');
    while (keys.signer === 'k1') keys.tick();
    while (keys.ring?.keys[0]?.retireAt === undefined) keys.tick();
    keys.handOver(24 * HOUR);
    keys.run(3600_000);
    expect(keys.material).toHaveLength(2);
    keys.run(120_000);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
  });

  test('an operator whose clock is behind takes no longer', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.ring?.keys[0]?.retireAt === undefined) keys.tick();
    keys.handOver(-24 * HOUR);
    keys.run(3600_000 + 120_000);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
  });

  test('an old key goes, and a bound shrinks, though no operator lives as long as a token', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, tokenTTLSeconds: 86_400};
    keys.run(60_000);
    keys.wanted = {...keys.wanted, tokenTTLSeconds: 80_000};
    for (const pod of keys.pods) pod.tokenTTLSeconds = 80_000;
    keys.rotate = 'now';
    while (keys.ring?.keys[0]?.retireAt === undefined) keys.tick();
    for (let n = 0; n < 5; n++) {
      keys.run(22 * HOUR);
      keys.handOver(n % 2 === 0 ? 12 * HOUR : 0);
    }
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
    expect(keys.ring.tokenTTL).toEqual({seconds: 80_000});
  });

  test('when something is due is told by the clock of the one that does it', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.ring?.keys[0]?.retireAt === undefined) keys.tick();
    keys.handOver(5 * HOUR);
    const now = keys.now + 5 * HOUR;
    expect(keys.pass().dueAt).toBe(now + HOUR + 60_001);
  });
});

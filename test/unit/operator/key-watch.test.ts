import {describe, expect, test} from 'vitest';
import type {KeyAnswer} from '../../../src/operator/observed.ts';
import {KeyWatch} from '../../../src/operator/observe/key-watch.ts';
import {targetOf} from '../../../src/operator/observe/target.ts';
import type {Pod} from '../../../src/operator/workloads.ts';
import {FakeClock} from './fake-clock.ts';

const pod = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, namespace: 'a', uid: `uid-${name}`},
  status: {phase: 'Running', podIP: name},
});
const serving = (...kids: string[]): KeyAnswer => ({
  kids,
  signer: kids[0],
  maxAgeSeconds: 300,
  tokenTTLSeconds: 3600,
});

function watch(answers: Map<string, KeyAnswer | undefined>) {
  const clock = new FakeClock();
  const changed: string[] = [];
  let asked = 0;
  const subject = new KeyWatch({
    clock,
    logger: {debug: () => undefined},
    ask: {
      pod({address}) {
        asked++;
        const answer = answers.get(address);
        return answer === undefined ? Promise.reject(new Error('no route')) : Promise.resolve(answer);
      },
      published: () => Promise.resolve(['k1']),
    },
    targetOf: (each) => targetOf(each, () => []),
    onChange: (key) => changed.push(key),
    random: () => 0.5,
  });
  return {subject, clock, changed, asked: () => asked};
}

describe('hearing of keys', () => {
  test('every pod is asked, and what is new is told', async () => {
    const answers = new Map([['p1', serving('k1')]]);
    const {subject, clock, changed} = watch(answers);
    const pods = [pod('p1'), pod('p2')];
    expect(subject.heard('a/b', pods, 'https://a')).toEqual({});
    await clock.advance(0);
    expect(changed).toEqual(['a/b']);
    expect(subject.heard('a/b', pods, 'https://a')).toEqual({
      keyAnswers: new Map([['uid-p1', serving('k1')]]),
      publicKids: ['k1'],
    });
    answers.set('p2', serving('k1', 'k2'));
    await clock.advance(3000);
    expect(changed).toHaveLength(2);
    expect(subject.heard('a/b', pods, 'https://a').keyAnswers?.size).toBe(2);
    await clock.advance(30_000);
    expect(changed).toHaveLength(2);
  });

  test('a pod that is new is asked at once; one that is gone is not; nobody is when it is over', async () => {
    const answers = new Map([
      ['p1', serving('k1')],
      ['p2', serving('k1')],
    ]);
    const {subject, clock, asked} = watch(answers);
    subject.heard('a/b', [pod('p1')], 'https://a');
    await clock.advance(0);
    subject.heard('a/b', [pod('p1'), pod('p2')], 'https://a');
    await clock.advance(0);
    expect(asked()).toBe(3);
    subject.heard('a/b', [pod('p2')], 'https://a');
    await clock.advance(2500);
    expect(asked()).toBe(4);
    subject.forget('a/b');
    await clock.advance(60_000);
    expect(asked()).toBe(4);
  });

  test('asks seldom when nothing moves, and believes no answer that is old', async () => {
    const answers = new Map<string, KeyAnswer | undefined>([['p1', serving('k1')]]);
    const {subject, clock, asked} = watch(answers);
    subject.heard('a/b', [pod('p1')], 'https://a');
    await clock.advance(600_000);
    const before = asked();
    await clock.advance(600_000);
    expect(asked() - before).toBe(20);
    subject.stop();
    await clock.advance(120_000);
    expect(subject.heard('a/b', [pod('p1')], 'https://a')).toEqual({});
  });
});

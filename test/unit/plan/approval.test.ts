import {describe, expect, test} from 'vitest';
import {planStatus, weigh, type Standing} from '../../../src/operator/plan/approval.ts';
import {changeOf, type Change} from '../../../src/operator/plan/change.ts';
import type {Difference} from '../../../src/operator/plan/differences.ts';

const field = (name: string, from: unknown = 1, to: unknown = 2): Difference => ({path: [name], from, to});
const update = (name: string, target: unknown, ...difference: Difference[]): Change =>
  changeOf({verb: 'Update', kind: 'Deployment', name, fields: []}, {target, difference}, []);
const create = (name: string, target: unknown = 'x'): Change =>
  changeOf({verb: 'Create', kind: 'Service', name, fields: []}, {target}, []);

/** A resource's status and annotation from pass to pass. */
class Resource {
  plan: Parameters<typeof weigh>[0]['before'];
  annotation: string | undefined;

  pass(changes: readonly Change[], underWay: readonly string[] = []): Standing {
    const standing = weigh({
      uid: 'uid',
      changes,
      before: this.plan,
      annotation: this.annotation,
      isUnderWay: ({name}) => underWay.includes(name),
    });
    this.plan = planStatus(standing);
    return standing;
  }

  /** Lets the plan of these changes through. */
  approve(changes: readonly Change[]): Standing {
    this.annotation = this.pass(changes).hash;
    return this.pass(changes);
  }

  get left(): string[] {
    return (this.plan?.approved?.changes ?? []).map(({name}) => name);
  }
}

describe('the hash of a plan', () => {
  const hashOf = (changes: readonly Change[]): string | undefined => new Resource().pass(changes).hash;
  const plan = [create('a'), update('b', {image: 2}, field('image'))];

  test('is the same for the same, and another for whatever is different', () => {
    expect(hashOf(plan)).toBe(hashOf([create('a'), update('b', {image: 2}, field('image'))]));
    const others = [
      [create('a')],
      plan.toReversed(),
      [create('c'), plan[1] as Change],
      [create('a', 'y'), plan[1] as Change],
      [create('a'), update('b', {image: 3}, field('image', 1, 3))],
      // The same wish, for what is another thing now.
      [create('a'), update('b', {image: 2}, field('image', 0))],
      [create('a'), update('b', {image: 2}, field('image'), field('args'))],
    ];
    const hashes = [plan, ...others].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashOf([])).toBeUndefined();
  });
});

describe('what was let through', () => {
  test('is so until it is made; nothing else is, and its hash counts once', () => {
    const it = new Resource();
    const [a, b] = [create('a'), create('b')];
    expect(it.approve([a, b])).toMatchObject({fresh: true, hash: undefined, pending: []});
    expect(it.pass([a, b, create('c')]).pending.map(({name}) => name)).toEqual(['c']);
    expect(it.left).toEqual(['a', 'b']);
    it.pass([b]);
    expect(it.left).toEqual(['b']);
    expect(it.pass([])).toMatchObject({hash: undefined, stale: undefined});
    expect(it.left).toEqual([]);
    // The very same wish again: another plan, though the annotation is still there.
    const again = it.pass([a, b]);
    expect(again).toMatchObject({fresh: false, stale: undefined});
    expect(again.hash).not.toBe(it.annotation);
    expect(again.pending).toHaveLength(2);
    it.approve([a, b]);
    expect(it.left).toEqual(['a', 'b']);
  });

  test('a hash that is not the plan’s does nothing, and is told', () => {
    const it = new Resource();
    const first = it.pass([create('a')]);
    it.annotation = first.hash;
    const changed = it.pass([create('a', 'y')]);
    expect(changed).toMatchObject({fresh: false, stale: first.hash, approved: undefined});
    expect(changed.hash).not.toBe(first.hash);
  });

  test('stays while it is under way without a write, and is let go when nobody wants it any more', () => {
    const it = new Resource();
    const [job, roll] = [create('job'), update('auth', {image: 2}, field('image'))];
    it.approve([job, roll]);
    it.pass([roll], ['job']);
    expect(it.left).toEqual(['job', 'auth']);
    // The spec was edited.
    const other = update('auth', {image: 3}, field('image', 1, 3));
    expect(it.pass([other]).pending).toEqual([other]);
    expect(it.left).toEqual([]);
  });

  test('two steps may have become one, but no field may come in between', () => {
    const it = new Resource();
    const [scale, roll] = [
      update('auth', {replicas: 2}, field('replicas')),
      update('auth', {image: 2, replicas: 2}, field('image')),
    ];
    it.approve([scale, roll]);
    const both = update('auth', {image: 2, replicas: 2}, field('image'), field('replicas'));
    expect(it.pass([both]).pending).toEqual([]);
    expect(it.pass([both]).pending).toEqual([]);
    const more = update('auth', {image: 2, replicas: 2}, field('image'), field('args'));
    expect(it.pass([more]).pending).toEqual([more]);
  });

  test('is known again when what it depends on has been made', () => {
    const it = new Resource();
    const of = (hash: string): Change =>
      changeOf({verb: 'Create', kind: 'Deployment', name: 'auth', fields: []}, {target: {template: hash}}, [
        [hash, 'unmade'],
      ]);
    it.approve([of('unmade')]);
    expect(it.pass([of('abcdef')]).pending).toEqual([]);
    const other = new Resource();
    other.approve([of('123456')]);
    expect(other.pass([of('abcdef')]).pending).toHaveLength(1);
  });
});

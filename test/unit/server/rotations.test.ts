import {beforeEach, describe, expect, it} from 'vitest';
import type {Statement} from '../../../src/server/database.ts';
import {Rotations} from '../../../src/server/sessions/rotations.ts';
import type {SessionRow} from '../../../src/server/sessions/session.ts';
import {FakeClock} from '../kube/fake-clock.ts';

interface Asked {
  readonly name: string;
  readonly hashes: readonly string[];
  /** Answers with a row for each of these tokens. */
  answer(...hashes: string[]): void;
  fail(error: Error): void;
}

const asked: Asked[] = [];
const clock = new FakeClock();
beforeEach(() => asked.splice(0));

function query(statement: Statement, values: readonly unknown[]): Promise<never[]> {
  return new Promise((resolve, reject) => {
    const hashes = String(values[0]).replace(/^\{(.*)\}$/, '$1');
    asked.push({
      name: statement.name,
      hashes: hashes.split(','),
      answer: (...found) =>
        resolve(found.map((hash) => ({presented: hash, id: `session of ${hash}`})) as unknown as never[]),
      fail: reject,
    });
  });
}

const rotations = (): Rotations => new Rotations({query}, 60, clock);
const one = (hash: string) => ({hash, successorHash: `next-${hash}`, sealed: Buffer.from(hash)});
/** What is asked goes out at the end of the event loop's turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const idOf = async (row: Promise<SessionRow | undefined>): Promise<string | undefined> => (await row)?.id;

describe('rotations', () => {
  it('sends the first at once, and what comes meanwhile together', async () => {
    const all = rotations();
    const first = all.rotate(one('a'));
    await turn();
    const later = ['b', 'c', 'd'].map((hash) => all.rotate(one(hash)));
    await turn();
    expect(asked.map(({hashes}) => hashes)).toEqual([['a']]);
    asked[0]?.answer('a');
    await turn();
    expect(asked[1]?.hashes).toEqual(['b', 'c', 'd']);
    asked[1]?.answer('d', 'b', 'c');
    expect(await Promise.all([first, ...later].map(idOf))).toEqual(
      ['a', 'b', 'c', 'd'].map((hash) => `session of ${hash}`),
    );
  });

  it('begins a second statement beside one that is slow, and no third', async () => {
    const all = rotations();
    const a = all.rotate(one('a'));
    await turn();
    const b = all.rotate(one('b'));
    await clock.advance(49);
    await turn();
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await turn();
    expect(asked[1]?.hashes).toEqual(['b']);
    const c = all.rotate(one('c'));
    await clock.advance(500);
    await turn();
    expect(asked).toHaveLength(2);
    asked[1]?.answer('b');
    await turn();
    expect(asked[2]?.hashes).toEqual(['c']);
    asked[2]?.answer('c');
    asked[0]?.answer('a');
    expect(await Promise.all([a, b, c].map(idOf))).toEqual(
      ['a', 'b', 'c'].map((hash) => `session of ${hash}`),
    );
  });

  it('gives a token presented twice at once to one statement each, in their order', async () => {
    const all = rotations();
    const [first, second] = [all.rotate(one('a')), all.rotate(one('a'))];
    await turn();
    expect(asked.map(({hashes}) => hashes)).toEqual([['a']]);
    asked[0]?.answer('a');
    await turn();
    expect(asked[1]?.hashes).toEqual(['a']);
    asked[1]?.answer();
    expect(await idOf(first)).toBe('session of a');
    expect(await second).toBeUndefined();
    // It may have been left out for a lock: alone it waits, and then it is certain. Nothing else is asked by itself.
    expect(asked).toHaveLength(2);
    const alone = all.rotateAlone(one('a'));
    expect(asked[2]).toMatchObject({name: 'session-rotate', hashes: ['a']});
    asked[2]?.answer();
    expect(await alone).toBeUndefined();
  });

  it('fails all of a statement that failed, and goes on', async () => {
    const all = rotations();
    const lost = [all.rotate(one('a')), all.rotate(one('b'))];
    await turn();
    asked[0]?.fail(new Error('the connection ended'));
    for (const rotation of lost) await expect(rotation).rejects.toThrow('the connection ended');
    const next = all.rotate(one('c'));
    await turn();
    asked[1]?.answer('c');
    expect(await idOf(next)).toBe('session of c');
  });

  it('refuses with a 503 what waited three seconds behind statements that hang', async () => {
    const all = rotations();
    const hanging = [all.rotate(one('a'))];
    await turn();
    hanging.push(all.rotate(one('b')));
    await clock.advance(50);
    await turn();
    const waiting = all.rotate(one('c'));
    const refused = waiting.catch((error: unknown) => error);
    await turn();
    await clock.advance(2_900);
    const late = all.rotate(one('d'));
    await clock.advance(200);
    expect(await refused).toMatchObject({status: 503});
    asked[0]?.answer('a');
    await turn();
    expect(asked[2]?.hashes).toEqual(['d']);
    asked[1]?.answer('b');
    asked[2]?.answer('d');
    await Promise.all([...hanging, late]);
  });
});

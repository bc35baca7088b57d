import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {Chain, readLink} from '../../../src/audit/chain.ts';
import {verifyLog} from '../../../src/audit/verify.ts';

const ENTRY = {level: 'info', time: '2026-11-23T00:00:00.000Z', component: 'audit', event: 'auth_success'};

function chainOf(length: number, users: readonly string[] = ['ada']): string[] {
  const chain = new Chain();
  return Array.from({length}, (_, index) => chain.link({...ENTRY, user: users[index % users.length]}));
}

async function* from(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const verify = (lines: readonly string[]) => verifyLog(from(lines));

describe('a log', () => {
  it('is whole as it was written, whatever stands between its entries', async () => {
    const [one, two] = [chainOf(3), chainOf(2)];
    const other = '{"level":"info","component":"server","msg":"listening"}';
    const lines = [
      one[0],
      other,
      two[0],
      `2026-11-23T00:00:00Z stdout F ${one[1]}`,
      'not JSON',
      two[1],
      `${one[2]}\r`,
    ];
    expect(await verify(lines.map(String))).toMatchObject({
      ok: true,
      entries: 5,
      chains: [
        {first: 1, last: 3},
        {first: 1, last: 2},
      ],
    });
  });

  it('may begin with a later entry, as after a rotation', async () => {
    expect(await verify(chainOf(5).slice(2))).toMatchObject({ok: true, chains: [{first: 3, last: 5}]});
  });

  it('names the head of each chain, which shows a log cut at its end', async () => {
    const lines = chainOf(3);
    const whole = await verify(lines);
    const cut = await verify(lines.slice(0, 2));
    const head: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(whole).toMatchObject({ok: true, entries: 3, chains: [{first: 1, last: 3, head}]});
    expect(cut).toMatchObject({ok: true, entries: 2, chains: [{first: 1, last: 2, head}]});
    expect(cut.ok && cut.chains[0]?.head).not.toBe(whole.ok && whole.chains[0]?.head);
  });

  it('with any one character of an entry changed is broken at that line', async () => {
    const lines = chainOf(4, ['ada', 'grace']);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3),
        fc.nat(),
        fc.constantFrom('x', '0', '"', '}', ' '),
        async (at, where, to) => {
          const line = lines[at] ?? '';
          const position = where % line.length;
          fc.pre(line[position] !== to);
          const changed = line.slice(0, position) + to + line.slice(position + 1);
          // Where the change hides that the line is an audit entry at all, the gap shows it, except at either end.
          fc.pre(changed.includes('"component":"audit"') && changed.indexOf('{') === 0);
          expect(await verify(lines.with(at, changed))).toMatchObject({ok: false, line: at + 1});
        },
      ),
      {numRuns: 300},
    );
  });

  it.each<[string, (lines: string[]) => string[], number, string]>([
    [
      'an entry removed',
      (lines) => lines.toSpliced(2, 1),
      3,
      'the entry before it, 3 of its chain, is missing',
    ],
    [
      'two removed',
      (lines) => lines.toSpliced(1, 2),
      2,
      'the entries before it, 2 to 3 of its chain, are missing',
    ],
    ['two that changed places', ([a, b, c, ...rest]) => [a, c, b, ...rest].map(String), 2, 'missing'],
    ['one repeated', ([a, b, ...rest]) => [a, b, b, ...rest].map(String), 3, 'repeated or moved'],
    [
      'one replaced by a line that hashes right',
      (lines) => {
        const forger = new Chain();
        const id = readLink(lines[0] ?? '');
        if (id.kind !== 'link') throw new Error('no chain');
        const forged = Array.from({length: 3}, () =>
          Object.assign(forger, {id: id.link.chain}).link({...ENTRY, user: 'mallory'}),
        );
        return lines.with(2, forged[2] ?? '');
      },
      3,
      'its prev is not the hash of the entry before',
    ],
    [
      'a hash cut off',
      (lines) => lines.with(1, (lines[1] ?? '').replace(/,"hash".*/, '}')),
      2,
      'without a hash',
    ],
  ])('with %s is broken', async (_name, harm, line, why) => {
    const result = await verify(harm(chainOf(5)));
    expect(result).toMatchObject({ok: false, line});
    expect(result.ok ? '' : result.why).toContain(why);
  });
});

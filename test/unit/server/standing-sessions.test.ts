import {describe, expect, it} from 'vitest';
import {StandingSessions} from '../../../src/server/revocation/standing-sessions.ts';
import type {FoundSession} from '../../../src/server/sessions/session.ts';
import {unavailable} from '../../../src/support/errors.ts';

/** A database and a feed that a test moves by hand. */
function world(idleSeconds = 3600) {
  const clock = {time: 1_000, now: () => 0, monotonic: () => clock.time, setTimeout: () => ({cancel() {}})};
  const feed = {live: true, confirmedAt: 1_000};
  const database = {
    found: {
      session: {id: 's', userId: 'u', expiresAt: 0, provider: undefined, email: undefined, name: undefined},
      remaining: 1_000,
      unused: 0,
      read: {time: 0, server: 0},
    } as FoundSession | undefined,
    away: false,
    reads: 0,
    uses: 0,
    usedAt: 1_000,
    /** Holds the next read back until it is called. */
    release: undefined as (() => void) | undefined,
    hold: false,
  };
  async function read(): Promise<FoundSession | undefined> {
    database.reads++;
    const {away} = database;
    const found = database.found && {...database.found, unused: (clock.time - database.usedAt) / 1000};
    if (database.hold) await new Promise<void>((resolve) => (database.release = resolve));
    if (away) throw unavailable('away', 1);
    return found;
  }
  const urgencies: (string | undefined)[] = [];
  const find = (_name: string, urgency?: string): Promise<FoundSession | undefined> => {
    urgencies.push(urgency);
    return read();
  };
  const sessions = {
    find,
    findByCookie: find,
    used: async () => {
      database.uses++;
      database.usedAt = clock.time;
    },
  };
  const standing = new StandingSessions({sessions, feed, idleSeconds, clock, onError: () => {}});
  return {clock, feed, database, standing, urgencies};
}

describe('StandingSessions', () => {
  it('reads once, and for many who ask at once', async () => {
    const {standing, database} = world();
    const answers = await Promise.all(Array.from({length: 10}, async () => standing.session('s')));
    expect(answers.every((session) => session?.id === 's')).toBe(true);
    await standing.session('s');
    expect(database.reads).toBe(1);
  });

  it('remembers that a session has ended', async () => {
    const {standing, database} = world();
    database.found = undefined;
    for (let round = 0; round < 3; round++) expect(await standing.session('s')).toBeUndefined();
    expect(database.reads).toBe(1);
  });

  it('does not keep what a read found before the word of its end came', async () => {
    const {standing, database} = world();
    database.hold = true;
    const early = standing.session('s');
    standing.forget('s');
    database.found = undefined;
    database.hold = false;
    expect(await standing.session('s')).toBeUndefined();
    database.release?.();
    await early;
    expect(await standing.session('s')).toBeUndefined();
  });

  it('keeps what a read found while another session ended, and joins it', async () => {
    const {standing, database} = world();
    database.hold = true;
    const early = standing.session('s');
    standing.forget('another');
    const joined = standing.session('s');
    database.release?.();
    expect([(await early)?.id, (await joined)?.id]).toEqual(['s', 's']);
    await standing.session('s');
    expect(database.reads).toBe(1);
  });

  it('keeps nothing that was read before a gap', async () => {
    const {standing, database} = world();
    database.hold = true;
    const early = standing.byCookie('secret');
    standing.forgetAll();
    database.hold = false;
    database.release?.();
    await early;
    await standing.byCookie('secret');
    expect(database.reads).toBe(2);
  });

  it('asks for a cookie that it has not seen after all that is known, and for what ends a session first', async () => {
    const {standing, urgencies} = world();
    expect(standing.knowsCookie('secret')).toBe(false);
    await standing.byCookie('secret');
    expect(standing.knowsCookie('secret')).toBe(true);
    for (const urgency of ['check', 'ending'] as const) {
      standing.forgetAll();
      await standing.byCookie('secret', urgency);
    }
    standing.forgetAll();
    await standing.session('s', 'ending');
    await standing.byCookie('another', 'ending');
    expect(urgencies).toEqual(['login', 'check', 'ending', 'ending', 'check']);
  });

  it('reads anew when the session would end unless it was used elsewhere', async () => {
    const {standing, database, clock} = world();
    database.found = database.found && {...database.found, remaining: 2};
    await standing.session('s');
    clock.time += 2_000;
    database.found = undefined;
    expect(await standing.session('s')).toBeUndefined();
    expect(database.reads).toBe(2);
  });

  it('tells of a use ten times in an idle limit, or every five minutes', async () => {
    for (const [idle, every] of [
      [60, 6_000],
      [86_400, 300_000],
    ] as const) {
      const {standing, database, clock} = world(idle);
      database.found = database.found && {...database.found, remaining: 1e9};
      await standing.session('s');
      expect(database.uses).toBe(0);
      for (let round = 1; round <= 3; round++) {
        clock.time += every - 1;
        await standing.session('s');
        clock.time += 1;
        await standing.session('s');
        await standing.session('s');
        expect(database.uses).toBe(round);
      }
    }
  });

  it('without the feed asks each time; without the database too believes for five seconds from the last word', async () => {
    const {standing, database, feed, clock} = world();
    await standing.session('s');
    feed.live = false;
    await standing.session('s');
    await standing.session('s');
    expect(database.reads).toBe(3);
    database.away = true;
    clock.time += 5_000;
    expect((await standing.session('s'))?.id).toBe('s');
    clock.time += 1;
    await expect(standing.session('s')).rejects.toMatchObject({status: 503});
  });

  it('an end that was seen while the feed was away stays seen', async () => {
    const {standing, database, feed} = world();
    await standing.session('s');
    feed.live = false;
    const {found} = database;
    database.found = undefined;
    expect(await standing.session('s')).toBeUndefined();
    database.away = true;
    await expect(standing.session('s')).rejects.toMatchObject({status: 503});
    database.away = false;
    database.found = found;
    expect((await standing.session('s'))?.id).toBe('s');
  });
});

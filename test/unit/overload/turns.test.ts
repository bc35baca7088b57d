import {describe, expect, it} from 'vitest';
import {Turns} from '../../../src/server/overload/turns.ts';
import type {Urgency} from '../../../src/server/overload/urgency.ts';

/** Turns with a clock that a test moves; `run` fires what is due. */
function world(size = 1) {
  const timers = new Set<{at: number; callback: () => void}>();
  const clock = {
    time: 0,
    now: () => 0,
    monotonic: () => clock.time,
    setTimeout(callback: () => void, ms: number) {
      const timer = {at: clock.time + ms, callback};
      timers.add(timer);
      return {cancel: () => void timers.delete(timer)};
    },
  };
  const pass = (ms: number): void => {
    clock.time += ms;
    for (const timer of timers) {
      if (timer.at > clock.time) continue;
      timers.delete(timer);
      timer.callback();
    }
  };
  const turns = new Turns({size, clock, refuse: (urgency, why) => new Error(`${urgency}: ${why}`)});
  const served: string[] = [];
  /** Asks; says in `served` when the turn has come, or that it does not. */
  const ask = (urgency: Urgency, name: string = urgency): Promise<void> => {
    const turn = turns.enter(urgency) ?? Promise.resolve();
    return turn.then(
      () => void served.push(name),
      (error: Error) => void served.push(error.message),
    );
  };
  return {turns, pass, served, ask, timers};
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('are given at once while there are any', () => {
    const {turns} = world(2);
    expect([turns.enter('login'), turns.enter('login')]).toEqual([undefined, undefined]);
    expect(turns.enter('login')).toBeInstanceOf(Promise);
  });

  it('come by urgency, and within it in order', async () => {
    const {turns, served, ask} = world();
    void turns.enter('login');
    for (const [urgency, name] of [
      ['login', 'login 1'],
      ['refresh', 'refresh 1'],
      ['check', 'check 1'],
      ['ending', 'ending 1'],
      ['ending', 'ending 2'],
      ['refresh', 'refresh 2'],
    ] as const)
      void ask(urgency, name);
    for (let i = 0; i < 6; i++) {
      turns.leave();
      await settle();
    }
    expect(served).toEqual(['ending 1', 'ending 2', 'check 1', 'refresh 1', 'refresh 2', 'login 1']);
    turns.leave();
    expect(turns.enter('login')).toBeUndefined();
  });

  it('are refused by number, the less urgent first', async () => {
    const {turns, ask, served} = world();
    void turns.enter('login');
    for (let i = 0; i < 256; i++) void ask('refresh');
    expect(() => turns.enter('login')).toThrow('login: queue');
    for (let i = 0; i < 256; i++) void ask('refresh');
    expect(() => turns.enter('refresh')).toThrow('refresh: queue');
    for (let i = 0; i < 512; i++) void ask('ending');
    expect(() => turns.enter('check')).toThrow('check: queue');
    expect(() => turns.enter('ending')).toThrow('ending: queue');
    turns.leave();
    await settle();
    expect(served).toEqual(['ending']);
  });

  it('are refused where the queue stands still, by how long it has', () => {
    const {turns, ask, pass} = world();
    void turns.enter('login');
    for (let i = 0; i < 63; i++) void ask('ending');
    pass(2_900);
    void ask('login');
    expect(turns.waiting('login')).toBe(1);
    turns.clear();
    for (let i = 0; i < 64; i++) void ask('ending');
    pass(251);
    expect(() => turns.enter('login')).toThrow('login: queue');
    void ask('refresh');
    pass(250);
    expect(() => turns.enter('refresh')).toThrow('refresh: queue');
    void ask('check');
    pass(500);
    expect(() => turns.enter('check')).toThrow('check: queue');
    void ask('ending');
    pass(1_000);
    expect(() => turns.enter('ending')).toThrow('ending: queue');
  });

  it('of the urgent do not depend on how long the others have waited', () => {
    const {turns, ask, pass} = world();
    void turns.enter('ending');
    for (let i = 0; i < 64; i++) void ask('login');
    pass(2_500);
    expect(() => turns.enter('login')).toThrow('login: queue');
    expect(turns.enter('ending')).toBeInstanceOf(Promise);
  });

  it('do not come for ever: who has waited three seconds is refused, and nothing is left behind', async () => {
    const {turns, ask, pass, served, timers} = world();
    void turns.enter('ending');
    void ask('login');
    for (let i = 0; i < 13; i++) pass(250);
    await settle();
    expect(served).toEqual(['login: waited']);
    expect([turns.waiting('login'), timers.size]).toEqual([0, 0]);
    turns.leave();
    expect(turns.enter('login')).toBeUndefined();
  });

  it('end for all who wait where what they wait for is gone', async () => {
    const {turns, ask, served} = world();
    void turns.enter('ending');
    void ask('login');
    void ask('ending');
    turns.clear();
    await settle();
    expect(served.sort()).toEqual(['ending: queue', 'login: queue']);
    turns.leave();
    expect(turns.enter('login')).toBeUndefined();
  });
});

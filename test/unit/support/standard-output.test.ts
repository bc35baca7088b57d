import {describe, expect, it} from 'vitest';
import {LineOutput} from '../../../src/support/standard-output.ts';

/** A disk with so much room, and what stands on it. */
class Disk {
  room = Infinity;
  refusal = 'ENOSPC';
  text = '';

  readonly put = (bytes: Uint8Array): number => {
    const taken = Math.min(bytes.length, this.room);
    if (taken === 0) throw Object.assign(new Error(this.refusal), {code: this.refusal});
    this.room -= taken;
    this.text += Buffer.from(bytes.subarray(0, taken)).toString();
    return taken;
  };
}

describe('lines for a disk that is full', () => {
  it('are dropped and counted, and a half of one never runs into the next', () => {
    const disk = new Disk();
    const said: string[] = [];
    const output = new LineOutput(disk.put, (text) => said.push(text));
    output.write('one\n');
    disk.room = 2;
    output.write('two\n');
    output.write('three\n');
    expect(output.lost).toBe(2);
    expect(said).toEqual([expect.stringContaining('standard output takes no lines (ENOSPC)')]);

    disk.room = Infinity;
    output.write('four\n');
    output.write('five\n');
    expect(disk.text).toBe('one\ntw\nfour\nfive\n');
    expect(said.slice(1)).toEqual([
      'standard output takes lines again; 2 lines were lost since the process began',
    ]);
  });
});

describe('lines for a pipe that nobody reads', () => {
  it('wait for a reader that is slow', () => {
    let busy = 3;
    let text = '';
    const output = new LineOutput((bytes) => {
      if (busy-- > 0) throw Object.assign(new Error('EAGAIN'), {code: 'EAGAIN'});
      text += Buffer.from(bytes).toString();
      return bytes.length;
    });
    output.write('one\n');
    expect({text, lost: output.lost}).toEqual({text: 'one\n', lost: 0});
  });

  it('are dropped after a while, and then at once', () => {
    const pipe = new Disk();
    pipe.room = 0;
    pipe.refusal = 'EAGAIN';
    const output = new LineOutput(pipe.put, () => undefined, 100);
    output.write('one\n');
    const began = performance.now();
    for (let line = 0; line < 1000; line++) output.write('more\n');
    // Waited for each, they would take 100 s.
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(output.lost).toBe(1001);
  });
});

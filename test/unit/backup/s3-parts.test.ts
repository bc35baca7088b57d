import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {LEAST_PART_BYTES, MAX_PARTS, partsFor, within} from '../../../src/backup/s3-parts.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

describe('the parts of an upload', () => {
  it('are small where the database is', () => {
    expect(partsFor(0).bytes).toBe(LEAST_PART_BYTES);
    expect(partsFor(10 * GIB, 512 * MIB).bytes).toBe(LEAST_PART_BYTES);
  });

  it('hold a backup of four times the database, up to the largest object of S3', () => {
    fc.assert(
      fc.property(fc.integer({min: 0, max: 20 * TIB}), (database) => {
        const {bytes} = partsFor(database, 16 * GIB);
        expect(bytes * MAX_PARTS).toBeGreaterThanOrEqual(Math.min(4 * database, 5 * TIB));
        expect(bytes).toBeLessThanOrEqual(5 * GIB);
      }),
    );
  });

  it('leave room in the memory that there is, which the default pod has for more than 500 GiB', () => {
    const {bytes, boundBy} = partsFor(TIB, 512 * MIB);
    expect({bytes, boundBy}).toEqual({bytes: 53 * MIB, boundBy: 'memory'});
    expect(bytes * MAX_PARTS).toBeGreaterThan(500 * GIB);
    expect(partsFor(TIB, 128 * MIB).bytes).toBe(LEAST_PART_BYTES);
  });
});

describe('what an upload holds', () => {
  const chunks = async function* (sizes: number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield new Uint8Array(size);
  };
  const passed = async (content: AsyncIterable<Uint8Array>): Promise<number> => {
    let bytes = 0;
    for await (const chunk of content) bytes += chunk.length;
    return bytes;
  };

  it('passes to the last byte', async () => {
    const full = within(chunks([8 * MIB, 5 * MIB, 3 * MIB]), partsFor(0), 2);
    expect(await passed(full)).toBe(16 * MIB);
  });

  it.each([
    [
      'the database',
      partsFor(GIB, 512 * MIB),
      /sized for 4 times the database.*spec\.backup\.destination\.pvc/,
    ],
    [
      'the memory',
      partsFor(TIB, 192 * MIB),
      /the 192 MiB that there are: raise spec\.resources\.limits\.memory/,
    ],
    [
      'the storage',
      {...partsFor(0), boundBy: 'storage' as const},
      /cannot be larger: take backups to a volume/,
    ],
  ])('and no byte more: parts bound by %s say what to do', async (_name, parts, hint) => {
    await expect(passed(within(chunks([16 * MIB, 1]), parts, 2))).rejects.toMatchObject({
      reason: 'BackupFailed',
      message: expect.stringContaining('larger than an upload of 2 parts of 8 MiB'),
      hint: expect.stringMatching(hint),
    });
  });

  it('of a database that four times over is more than S3 holds, that is what binds', () => {
    expect(partsFor(2 * TIB, 16 * GIB).boundBy).toBe('storage');
  });
});

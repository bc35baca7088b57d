import {totalmem} from 'node:os';
import {BackupError} from './errors.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Of one upload S3 takes no more. */
export const MAX_PARTS = 10_000;
/** Enough for 80 GB, and more than most backups fill one of. */
export const LEAST_PART_BYTES = 8 * MIB;
/** S3's largest object. */
const LARGEST_BYTES = 5 * 1024 ** 4;
/** A backup is mostly a fraction of its database, indexes left out and compressed; a database may compress better, though. */
const MARGIN = 4;
/**
 * So many times a part is in memory, 5.2 times as measured: two on their way, each with what TLS makes of it, one that
 * fills, and copies until they are collected.
 */
const COPIES = 6;
/** What pg_dump and this program take beside the parts. */
const PROGRAM_BYTES = 192 * MIB;

/** How an upload is cut: all parts but the last have this size, as some servers want it, and it stands before the first. */
export interface Parts {
  readonly bytes: number;
  /** Why they are not larger. */
  readonly boundBy: 'database' | 'memory' | 'storage';
  readonly memoryBytes: number;
}

/** Parts for a database of that size, that the memory holds. Where that is too little, it shows when they are used up. */
export function partsFor(databaseBytes: number, memoryBytes = ownMemory()): Parts {
  const wanted = MARGIN * databaseBytes;
  const needed = Math.ceil(Math.min(wanted, LARGEST_BYTES) / MAX_PARTS / MIB) * MIB;
  const held = Math.floor((memoryBytes - PROGRAM_BYTES) / COPIES / MIB) * MIB;
  const bytes = Math.max(LEAST_PART_BYTES, Math.min(needed, held));
  const enough = bytes >= needed;
  return {bytes, boundBy: enough ? (wanted > LARGEST_BYTES ? 'storage' : 'database') : 'memory', memoryBytes};
}

/** What the container may take, or all that the machine has. */
function ownMemory(): number {
  // 0 where it is not known, and far above the machine's where there is no limit.
  return Math.min(process.constrainedMemory() || Infinity, totalmem());
}

/** The content as it is; throws where it is more than the parts hold, and what to do. */
export async function* within(
  content: AsyncIterable<Uint8Array>,
  parts: Parts,
  maxParts = MAX_PARTS,
): AsyncGenerator<Uint8Array> {
  const most = parts.bytes * maxParts;
  let sent = 0;
  for await (const chunk of content) {
    sent += chunk.length;
    if (sent > most) throw tooLarge(parts, maxParts);
    yield chunk;
  }
}

const VOLUME =
  'take backups to a volume, whose files have no such limit (spec.backup.destination.pvc, BACKUP_DESTINATION=file:///DIRECTORY).';

function tooLarge({bytes, boundBy, memoryBytes}: Parts, maxParts: number): BackupError {
  const size = `${Math.floor((bytes * maxParts) / GIB)} GiB`;
  const remedy = {
    database: `The parts were sized for ${MARGIN} times the database, which is more than most backups need: ${VOLUME}`,
    memory: `Larger parts need more memory than the ${Math.floor(memoryBytes / MIB)} MiB that there are: raise spec.resources.limits.memory, or ${VOLUME}`,
    storage: `An object in a bucket cannot be larger: ${VOLUME}`,
  };
  return new BackupError(
    'BackupFailed',
    `the backup is larger than an upload of ${maxParts} parts of ${bytes / MIB} MiB, which is ${size}; nothing was stored`,
    remedy[boundBy],
  );
}

import {readdirSync, statSync} from 'node:fs';
import {join, resolve} from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILT = join(ROOT, 'dist/main.js');
/** What a build is made of. */
const PARTS = ['src', 'scripts/build.ts', 'scripts/lean.ts', 'package-lock.json'];

/**
 * The program, to be started by Node: the build, where it is of the sources as they are, for it starts in a third of the
 * time and is what users start; else the sources.
 */
export const MAIN = isOfTheSources() ? BUILT : join(ROOT, 'src/main.ts');

function isOfTheSources(): boolean {
  const built = statSync(BUILT, {throwIfNoEntry: false});
  return built !== undefined && PARTS.every((part) => lastChange(join(ROOT, part)) < built.mtimeMs);
}

/** Milliseconds since the epoch; of a directory, with all that is in it: that a file is gone shows in its own. */
function lastChange(path: string): number {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return Math.max(entry.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

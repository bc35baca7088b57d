// Figures that a run measured: printed when they are known, kept in build/e2e/figures.json.
import {mkdir, readFile, writeFile} from 'node:fs/promises';

const PATH = 'build/e2e/figures.json';

/** Notes one figure, `value` with its unit, under a name that stays the same from run to run. */
export async function figure(name: string, value: number, unit: string): Promise<void> {
  const rounded = Math.round(value * 10) / 10;
  console.log(`figure: ${name}: ${rounded} ${unit}`);
  await mkdir('build/e2e', {recursive: true});
  let known: Record<string, unknown> = {};
  try {
    known = JSON.parse(await readFile(PATH, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  await writeFile(PATH, `${JSON.stringify({...known, [name]: {value: rounded, unit}}, null, 2)}\n`);
}

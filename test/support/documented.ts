import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parse} from 'yaml';

/** The Job of docs/backups.md that restores. */
export interface RestoreJob {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {readonly name: string; readonly namespace: string};
  readonly spec: {readonly template: {readonly spec: RestorePod}};
}

interface RestorePod {
  readonly containers: readonly [RestoreContainer];
  readonly volumes: readonly {readonly name: string; readonly [source: string]: unknown}[];
  readonly [field: string]: unknown;
}

interface RestoreContainer {
  readonly image: string;
  readonly env: readonly {readonly name: string; readonly [source: string]: unknown}[];
  readonly [field: string]: unknown;
}

const PAGE = join(import.meta.dirname, '../../docs/backups.md');

/** The page's manifests, as a person copies them: from a bucket, and from a volume. */
export async function documentedRestores(): Promise<Record<'s3' | 'pvc', RestoreJob>> {
  const page = await readFile(PAGE, 'utf8');
  const jobs = [...page.matchAll(/^( *)```yaml\n([^]*?)^\1```$/gm)]
    .map(([, , text = '']) => parse(text) as RestoreJob)
    .filter(({kind}) => kind === 'Job');
  const [s3, pvc] = jobs;
  if (!s3 || !pvc || jobs.length !== 2) throw new Error(`docs/backups.md has ${jobs.length} Jobs, not two`);
  return {s3, pvc};
}

// The operator against a real API server: how much of what the machine can do it does, what it keeps in memory, how
// quickly it follows, and that it is silent when there is nothing to do.
import {mkdir, writeFile} from 'node:fs/promises';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {figuresOf, table} from './report.ts';
import {measure, type Row} from './scenario.ts';

const {values} = parseArgs({
  options: {
    resources: {type: 'string', default: '200,1000'},
    namespaces: {type: 'string', default: '20'},
    samples: {type: 'string', default: '100'},
    'idle-seconds': {type: 'string', default: '30'},
    'foreign-secrets': {type: 'string', default: '10000'},
    output: {type: 'string', default: 'build/bench'},
    profile: {type: 'boolean', default: false},
    help: {type: 'boolean', default: false},
  },
});

if (values.help) {
  console.log(`scripts/bench-operator [--resources 200,1000] [--namespaces 20] [--samples 100] [--idle-seconds 30]
                       [--foreign-secrets 10000] [--output build/bench] [--profile]

A run of seconds: scripts/bench-operator --resources 50 --samples 10 --idle-seconds 5 --foreign-secrets 0
--profile leaves a CPU profile of the operator in the output's folder profile.`);
} else {
  const counts = values.resources.split(',').map((each) => whole('resources', each, 1));
  const largest = Math.max(...counts);
  const rows: Row[] = [];
  for (const count of counts) {
    rows.push(
      await measure(
        count,
        {
          namespaces: whole('namespaces', values.namespaces, 1),
          samples: whole('samples', values.samples, 1),
          idleSeconds: whole('idle-seconds', values['idle-seconds'], 1),
          foreignSecrets: count === largest ? whole('foreign-secrets', values['foreign-secrets'], 0) : 0,
          directory: values.output,
          profile: values.profile,
        },
        (text) => console.log(text),
      ),
    );
  }
  console.log(table(rows));
  await mkdir(values.output, {recursive: true});
  const figures = {node: process.version, cpus: cpus().length, ...figuresOf(rows)};
  await writeFile(join(values.output, 'operator.json'), `${JSON.stringify(figures, null, 2)}\n`);
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${option}: ${JSON.stringify(text)} is not a whole number from ${least} on`);
}

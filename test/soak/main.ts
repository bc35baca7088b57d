// A long time of everything at once: edits, deletions, broken watches and killed operators, over many resources; at the
// end each is as a fresh one of its spec, and the operator holds no more memory and connections than at the start.
import {mkdir, writeFile} from 'node:fs/promises';
import {parseArgs} from 'node:util';
import {report, verdict} from './report.ts';
import {soak} from './soak.ts';

const OUTPUT = 'build/bench';

const {values} = parseArgs({
  options: {
    minutes: {type: 'string', default: '30'},
    resources: {type: 'string', default: '200'},
    seed: {type: 'string', default: String(Date.now() % 1_000_000)},
    help: {type: 'boolean', default: false},
  },
});

if (values.help) {
  console.log(`scripts/soak [--minutes 30] [--resources 200] [--seed N]

In the first six tenths of the time operators are killed as well; in the rest one of them runs on, and its memory and
connections are compared between the beginning and the end of that. The figures end up in ${OUTPUT}/soak.json.
A try: scripts/soak --minutes 2 --resources 20`);
} else {
  await mkdir(OUTPUT, {recursive: true});
  const result = await soak({
    minutes: number('minutes', values.minutes),
    resources: number('resources', values.resources),
    seed: number('seed', values.seed),
    directory: OUTPUT,
    say: (text) => console.log(text),
  });
  console.log(report(result));
  const failures = verdict(result);
  await writeFile(`${OUTPUT}/soak.json`, `${JSON.stringify({...result, failures}, null, 2)}\n`);
  for (const each of failures) console.error(`soak: ${each}`);
  // Not by itself: after so many cut connections Node's own clean-up at its end may wait for one of them for ever.
  process.exit(failures.length > 0 ? 1 : 0);
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${option}: ${JSON.stringify(text)} is not a number above 0`);
}

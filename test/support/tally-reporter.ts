import {writeFileSync} from 'node:fs';
import type {Reporter, TestModule} from 'vitest/node';

/**
 * Prints what a log reader can count on: a line `FAILED file > test: why` for each that failed, and at the end one plain
 * `N passed, N failed, N skipped`. One that passed, but not at once, is named as UNSTEADY. Where FAILED_FILES names a
 * file, the test files that failed are written there.
 */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tally = {passed: 0, failed: 0, skipped: 0};
    const files = new Set<string>();
    const fail = (file: string, test: string, errors: readonly {readonly message: string}[] = []): void => {
      tally.failed++;
      files.add(file);
      const name = test === '' ? file : `${file} > ${test}`;
      process.stdout.write(`FAILED ${name}: ${errors[0]?.message.split('\n')[0] ?? 'no error'}\n`);
    };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const {state, errors} = test.result();
        const retries = test.diagnostic()?.retryCount ?? 0;
        if (state === 'passed' && retries > 0)
          process.stdout.write(
            `UNSTEADY ${module.relativeModuleId} > ${test.fullName}: passed at try ${retries + 1}\n`,
          );
        if (state === 'passed') tally.passed++;
        else if (state === 'failed') fail(module.relativeModuleId, test.fullName, errors);
        else tally.skipped++;
      }
      const errors = module.errors();
      if (module.state() === 'failed' && errors.length > 0) fail(module.relativeModuleId, '', errors);
    }
    const list = process.env['FAILED_FILES'];
    if (list !== undefined) writeFileSync(list, [...files].map((file) => `${file}\n`).join(''));
    process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
  }
}

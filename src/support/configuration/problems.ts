import type {Fingerprint} from './fingerprint.ts';

/** Every reason why a configuration cannot be used, each beginning with the name of the variable or field. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];
  /** The files that were read, or could not be: where one of them changes it may be otherwise. */
  readonly files: Fingerprint | undefined;

  constructor(problems: readonly string[], files?: Fingerprint) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigurationError';
    this.problems = problems;
    this.files = files;
  }
}

/** Collects problems and warnings, so that one start tells of all of them. No text in it may hold a value. */
export class Findings {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];

  problem(name: string, message: string): void {
    this.problems.push(`${name}: ${message}`);
  }

  warning(name: string, message: string): void {
    this.warnings.push(`${name}: ${message}`);
  }
}

import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {codeOf} from '../error-code.ts';
import type {Fingerprint} from './fingerprint.ts';
import type {Findings} from './problems.ts';

/**
 * Where settings come from: the environment, and files that it or AUTH_CONFIG_FILE name. Remembers which files were
 * read, so that a change of any can be noticed.
 */
export class Sources {
  readonly #env: NodeJS.ProcessEnv;
  readonly #findings: Findings;
  readonly #files = new Map<string, string>();

  constructor(env: NodeJS.ProcessEnv, findings: Findings) {
    this.#env = env;
    this.#findings = findings;
  }

  /** The variable's value without surrounding space; an empty one counts as not set. */
  variable(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === '' ? undefined : value;
  }

  /** The value of NAME, or what stands in the file that NAME_FILE names. */
  secret(name: string): string | undefined {
    const value = this.variable(name);
    const path = this.variable(`${name}_FILE`);
    if (value !== undefined && path !== undefined) {
      this.#findings.problem(name, `is set beside ${name}_FILE; keep one of the two`);
      return undefined;
    }
    return path === undefined ? value : this.file(`${name}_FILE`, path);
  }

  /** Whether NAME or NAME_FILE is set, be it readable or not. */
  has(name: string): boolean {
    return this.variable(name) !== undefined || this.variable(`${name}_FILE`) !== undefined;
  }

  /** The file's content without surrounding space; `name` is who asked for it, for the problem's text. */
  file(name: string, path: string): string | undefined {
    let content: string;
    try {
      content = readFileSync(path, 'utf8').trim();
    } catch (error) {
      const code = codeOf(error);
      this.#files.set(path, code);
      this.#findings.problem(name, `the file ${path} cannot be read (${code})`);
      return undefined;
    }
    this.#files.set(path, content);
    if (content !== '') return content;
    this.#findings.problem(name, `the file ${path} is empty`);
    return undefined;
  }

  /** The files read so far, and a hash of what they held. */
  fingerprint(): Fingerprint {
    const paths = [...this.#files.keys()].sort();
    return {paths, hash: hashOf(paths.map((path) => this.#files.get(path) ?? ''))};
  }
}

/** What the same files hold now, as `Sources.fingerprint` would hash them. */
export function currentHash(paths: readonly string[]): string {
  return hashOf(
    paths.map((path) => {
      try {
        return readFileSync(path, 'utf8').trim();
      } catch (error) {
        return codeOf(error);
      }
    }),
  );
}

function hashOf(contents: readonly string[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(`${content.length}:`).update(content);
  return hash.digest('hex');
}

import type {Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import type {Fingerprint} from '../support/configuration/fingerprint.ts';
import {ConfigurationError} from '../support/configuration/problems.ts';
import {currentHash} from '../support/configuration/sources.ts';
import type {Logger} from '../support/logging.ts';
import {explain} from './providers/failures.ts';

export interface ReloadOptions {
  readonly files: Fingerprint;
  readonly load: () => {configuration: Configuration; files: Fingerprint};
  /** Returns the settings that changed and take effect only with a restart. */
  readonly apply: (configuration: Configuration) => readonly string[];
  readonly onOutcome: (outcome: 'applied' | 'refused') => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/**
 * Looks at the configuration's files every few seconds and reloads when what they hold has changed. It compares
 * contents, because a mounted Secret changes by a swapped symbolic link, which file events miss. A configuration with
 * problems is refused, whatever they are, and the running one goes on; it is tried again when any file changes that it
 * names, be it one that was not there.
 */
export function watchConfiguration(options: ReloadOptions): {stop(): void} {
  const {clock, logger} = options;
  const everyMs = options.everyMs ?? 5_000;
  let {files} = options;
  let refused: Fingerprint | undefined;
  let timer = clock.setTimeout(look, everyMs);

  function look(): void {
    timer = clock.setTimeout(look, everyMs);
    const hash = currentHash(files.paths);
    if (hash === files.hash) {
      refused = undefined;
      return;
    }
    if (refused && currentHash(refused.paths) === refused.hash) return;
    try {
      const next = options.load();
      const restart = options.apply(next.configuration);
      files = next.files;
      refused = undefined;
      options.onOutcome('applied');
      logger.info({providers: next.configuration.providers.map(({name}) => name)}, 'configuration reloaded');
      if (restart.length > 0)
        logger.warn({settings: restart}, 'these settings changed too, and take effect with the next start');
    } catch (error) {
      const known = error instanceof ConfigurationError ? error : undefined;
      refused = known?.files ?? {paths: files.paths, hash};
      options.onOutcome('refused');
      logger.error(
        known ? {problems: known.problems} : {cause: explain(error)},
        'the changed configuration is refused; the one before stays',
      );
    }
  }

  return {stop: () => timer.cancel()};
}

import type {Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import {ConfigurationError} from '../support/configuration/problems.ts';
import {currentHash, type Fingerprint} from '../support/configuration/sources.ts';
import type {Logger} from '../support/logging.ts';

export interface ReloadOptions {
  readonly files: Fingerprint;
  readonly load: () => {configuration: Configuration; files: Fingerprint};
  readonly apply: (configuration: Configuration) => void;
  readonly onOutcome: (outcome: 'applied' | 'refused') => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/**
 * Looks at the configuration's files every few seconds and reloads when what they hold has changed. It compares
 * contents, because a mounted Secret changes by a swapped symbolic link, which file events miss. A configuration with
 * problems is refused, and the running one goes on.
 */
export function watchConfiguration(options: ReloadOptions): {stop(): void} {
  const {clock, logger} = options;
  const everyMs = options.everyMs ?? 5_000;
  let {files} = options;
  let refused: string | undefined;
  let timer = clock.setTimeout(look, everyMs);

  function look(): void {
    timer = clock.setTimeout(look, everyMs);
    const hash = currentHash(files.paths);
    if (hash === files.hash || hash === refused) return;
    try {
      const next = options.load();
      options.apply(next.configuration);
      files = next.files;
      refused = undefined;
      options.onOutcome('applied');
      logger.info({providers: next.configuration.providers.map(({name}) => name)}, 'configuration reloaded');
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      refused = hash;
      options.onOutcome('refused');
      logger.error({problems: error.problems}, 'the changed configuration is refused; the one before stays');
    }
  }

  return {stop: () => timer.cancel()};
}

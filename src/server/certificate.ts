import type {SecureContextOptions} from 'node:tls';
import {readTlsPair, type TlsFiles, type TlsPair} from '../support/configuration/tls.ts';
import type {Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import type {Metrics} from './metrics.ts';

export interface CertificateOptions {
  readonly files: TlsFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Milliseconds between two looks at the files. */
  readonly everyMs: number;
}

/**
 * The certificate that this server shows. It looks at the files every few seconds and compares contents, because a
 * mounted Secret changes by a swapped symbolic link, which file events miss. A pair that is none is refused, whatever
 * else it may be (a renewal caught half-way, say), and the one before stays.
 */
export class Certificate {
  readonly #options: CertificateOptions;
  #pair: TlsPair;
  #refused: string | undefined;

  /** Throws where the files hold no usable pair. */
  constructor(options: CertificateOptions) {
    this.#options = options;
    const pair = readTlsPair(options.files);
    if ('problem' in pair) throw new Error(`${pair.variable}: ${pair.problem}`);
    this.#pair = pair;
    this.#shown(pair);
  }

  /** For new connections. */
  get context(): SecureContextOptions {
    return {cert: this.#pair.cert, key: this.#pair.key, minVersion: 'TLSv1.2'};
  }

  /** `use` is told of each new pair. */
  watch(use: (context: SecureContextOptions) => void): {stop(): void} {
    const {clock, everyMs} = this.#options;
    let timer = clock.setTimeout(look, everyMs);
    const renew = (): void => this.#look(use);
    function look(): void {
      timer = clock.setTimeout(look, everyMs);
      renew();
    }
    return {stop: () => timer.cancel()};
  }

  #look(use: (context: SecureContextOptions) => void): void {
    const {files, logger, metrics} = this.#options;
    const pair = readTlsPair(files);
    if ('problem' in pair) {
      // Said once for each kind of trouble, and not every few seconds.
      if (this.#refused === pair.problem) return;
      this.#refused = pair.problem;
      metrics.certificateReloaded('refused');
      logger.error(
        {problem: `${pair.variable}: ${pair.problem}`},
        'the changed TLS certificate is refused; the one before stays',
      );
      return;
    }
    this.#refused = undefined;
    if (pair.id === this.#pair.id) return;
    this.#pair = pair;
    use(this.context);
    metrics.certificateReloaded('applied');
    logger.info(
      {names: pair.names, notAfter: new Date(pair.notAfter).toISOString()},
      'TLS certificate reloaded',
    );
    this.#shown(pair);
  }

  #shown(pair: TlsPair): void {
    const {clock, logger, metrics} = this.#options;
    metrics.certificateExpires(pair.notAfter / 1000);
    if (pair.notAfter <= clock.now())
      logger.error(
        {names: pair.names, notAfter: new Date(pair.notAfter).toISOString()},
        'the TLS certificate has expired: clients that check it do not connect',
      );
  }
}

import type {Clock} from '../../support/clock.ts';
import type {Configuration} from '../../support/configuration/configuration.ts';
import type {Logger} from '../../support/logging.ts';
import type {Report} from '../health/reporter.ts';
import type {Intervals} from '../intervals.ts';
import type {Metrics} from '../metrics.ts';
import {SIGNED_OUT_PATH} from '../pages/addresses.ts';
import {explain} from './failures.ts';
import {createGuardedFetch} from './guarded-fetch.ts';
import {ProviderRegistry} from './registry.ts';

interface ProvidersOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly intervals: Intervals;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly report: Report;
}

/** The providers, and the way out to them. */
export interface OpenProviders {
  /** None is looked at until it is started. */
  readonly registry: ProviderRegistry;
  /** From now on these providers, and the hosts that they may have. */
  replace(configuration: Pick<Configuration, 'providers' | 'allowedHosts'>): void;
  /** Ends the connections. */
  close(): Promise<void>;
}

/** Nobody is asked anything yet. */
export function openProviders(options: ProvidersOptions): OpenProviders {
  const {configuration, clock, intervals, logger, metrics, report} = options;
  let allowedHosts = configuration.allowedHosts;
  const outbound = createGuardedFetch({allowedHosts: () => allowedHosts});
  const registry = new ProviderRegistry(configuration.providers, {
    fetch: outbound.fetch,
    allowedHosts: () => allowedHosts,
    clock,
    redirectUri: configuration.login.redirectUri,
    postLogoutRedirectUri: configuration.login.origin + SIGNED_OUT_PATH,
    goodMs: intervals.providerGoodMs,
    badMs: intervals.providerBadMs,
    onCredentials(provider, refused) {
      metrics.credentialsRefused(`provider:${provider}`, refused);
      if (refused)
        logger.error({provider}, 'the provider refuses our client id or secret: no login can succeed');
      else logger.info({provider}, 'the provider takes our client id and secret again');
    },
    onStaleKeys: (provider, error) =>
      logger.warn({provider, cause: explain(error)}, 'the keys could not be fetched; those of before stay'),
    onChange: (provider, state, fault, error) => report(`provider:${provider}`, state, fault, error),
    onGone: (provider) => metrics.forgetDependency(`provider:${provider}`),
  });
  return {
    registry,
    replace(next) {
      allowedHosts = next.allowedHosts;
      registry.replace(next.providers);
    },
    close: () => outbound.close(),
  };
}

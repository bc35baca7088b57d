import {systemClock, type Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import type {Logger} from '../support/logging.ts';
import {Audit} from './audit.ts';
import {Certificate} from './certificate.ts';
import {Health} from './health/health.ts';
import {reporter} from './health/reporter.ts';
import {Cookies} from './http/cookies.ts';
import {INTERVALS, type Intervals} from './intervals.ts';
import {FailedCredentials} from './limits/failed-credentials.ts';
import {Limits} from './limits/limits.ts';
import {LoginTransactions} from './login/transactions.ts';
import {Metrics} from './metrics.ts';
import {openDatabase, type OpenDatabase} from './open-database.ts';
import {Gate} from './overload/gate.ts';
import {Pages} from './pages/pages.ts';
import {openProviders, type OpenProviders} from './providers/open.ts';
import {followSessions, type FollowedSessions} from './revocation/followed-sessions.ts';
import type {Services} from './services.ts';
import {countersFor, openShared, type Shared} from './shared/shared.ts';
import {AccessTokens} from './tokens/access-token.ts';
import {KeySet} from './tokens/keys.ts';

/** What a server is made of; what is left out is as it is where one serves. */
export interface ComposeOptions {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly audit?: Audit;
  readonly clock?: Clock;
  readonly intervals?: Partial<Intervals>;
}

/** A server's parts: what the routes are made of, and behind it what is started, stopped and closed. */
export interface ServerParts {
  readonly services: Services;
  /** Undefined where the server speaks http. */
  readonly certificate: Certificate | undefined;
  readonly opened: OpenDatabase;
  readonly providers: OpenProviders;
  /** Undefined where nothing is shared through Redis. */
  readonly shared: Shared | undefined;
  readonly feed: FollowedSessions['feed'];
}

/** The parts as the configuration wants them; none of them is started. */
export async function composeServer(options: ComposeOptions): Promise<ServerParts> {
  const {configuration, logger} = options;
  const clock = options.clock ?? systemClock;
  const audit = options.audit ?? new Audit();
  const intervals = {...INTERVALS, ...options.intervals};
  const metrics = new Metrics();
  const certificate =
    configuration.tls &&
    new Certificate({files: configuration.tls, clock, logger, metrics, everyMs: intervals.certificateMs});

  const report = reporter(metrics, logger);
  const opened = openDatabase({configuration, clock, intervals, metrics, report});
  const providers = openProviders({configuration, clock, intervals, logger, metrics, report});
  const shared = await openShared({
    configuration,
    clock,
    goodMs: intervals.redisGoodMs,
    badMs: intervals.redisBadMs,
    commandMs: intervals.redisCommandMs,
    onChange: (state, fault, error) => report('redis', state, fault, error),
  });
  const {sessions, standing, feed} = followSessions({
    configuration,
    opened,
    shared,
    clock,
    logger,
    metrics,
  });
  const services: Services = {
    configuration,
    clock,
    logger,
    audit,
    metrics,
    gate: new Gate(clock, metrics),
    health: new Health(opened, providers.registry, shared?.store.health),
    cookies: new Cookies(configuration.login.origin),
    pages: new Pages(configuration.branding, configuration.login.origin),
    failures: configuration.rateLimits && new FailedCredentials(configuration.trustedProxies, clock),
    limits: configuration.rateLimits && new Limits(configuration.rateLimits, countersFor(shared, clock)),
    logins: new LoginTransactions(opened.database, configuration.login),
    providers: providers.registry,
    sessions,
    revocations: standing,
    tokens: new AccessTokens(new KeySet(configuration.signingKeys), configuration.tokens, clock),
  };
  return {services, certificate, opened, providers, shared, feed};
}

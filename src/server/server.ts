import {Server as HttpsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {sleep, systemClock, type Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import type {Logger} from '../support/logging.ts';
import {Audit} from './audit.ts';
import {Certificate} from './certificate.ts';
import {Health} from './health/health.ts';
import {reporter} from './health/reporter.ts';
import {createApp, type Patience} from './http/app.ts';
import {Cookies} from './http/cookies.ts';
import {FailedCredentials} from './limits/failed-credentials.ts';
import {Limits} from './limits/limits.ts';
import {LoginTransactions} from './login/transactions.ts';
import {INTERVALS, type Intervals} from './intervals.ts';
import {Metrics} from './metrics.ts';
import {openDatabase} from './open-database.ts';
import {Gate} from './overload/gate.ts';
import {Pages} from './pages/pages.ts';
import {openProviders} from './providers/open.ts';
import {followSessions} from './revocation/followed-sessions.ts';
import type {Services} from './services.ts';
import {countersFor, openShared} from './shared/shared.ts';
import {needRestart} from './restart.ts';
import {Sweeper} from './sweeper.ts';
import {AccessTokens} from './tokens/access-token.ts';
import {KeySet} from './tokens/keys.ts';

export interface ServerOptions {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly audit?: Audit;
  readonly clock?: Clock;
  readonly intervals?: Partial<Intervals>;
  readonly patience?: Patience;
}

/** How long the start waits for the database's first answer. */
const FIRST_LOOK_MS = 1_000;

/** How long the stop waits for requests under way, once no new connection is taken. */
const CLOSE_MS = 15_000;

/** How long it then waits for the last statements; with Kubernetes' drain of 5 s all of it fits into a grace of 30 s. */
const LAST_MS = 7_000;

/** A server that listens. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  readonly services: Services;
  /**
   * Takes over what may change while it runs: the providers, the hosts that they may have, the branding, the keys and the
   * limits. Returns the names of the other settings that are not as they were: those need a restart.
   */
  reconfigure(configuration: Configuration): readonly string[];
  /** Takes over the signing keys, and nothing else. */
  replaceKeys(configuration: Pick<Configuration, 'signingKeys'>): void;
  /**
   * Says not ready, serves on for `drainSeconds`, then takes no new connection, ends what is under way and closes.
   * Calling it again waits for the same.
   */
  stop(drainSeconds?: number): Promise<void>;
}

/**
 * Starts the auth server and returns when it listens. It does so whether or not the database and the providers can be
 * reached: the health route says what is missing, and it recovers by itself. Rejects where the port is taken.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
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
  const {database, health} = opened;
  const {sessions, standing, feed} = followSessions({
    configuration,
    opened,
    shared,
    clock,
    logger,
    metrics,
  });
  const gate = new Gate(clock, metrics);
  const services: Services = {
    configuration,
    clock,
    logger,
    audit,
    metrics,
    gate,
    health: new Health(health, providers.registry, shared?.store.health),
    cookies: new Cookies(configuration.login.origin),
    pages: new Pages(configuration.branding, configuration.login.origin),
    failures: configuration.rateLimits && new FailedCredentials(configuration.trustedProxies, clock),
    limits: configuration.rateLimits && new Limits(configuration.rateLimits, countersFor(shared, clock)),
    logins: new LoginTransactions(database, configuration.login),
    providers: providers.registry,
    sessions,
    revocations: standing,
    tokens: new AccessTokens(new KeySet(configuration.signingKeys), configuration.tokens, clock),
  };
  const showKeys = (current: Pick<Configuration, 'signingKeys'>): void =>
    metrics.keysInUse(services.tokens.keys.signer.kid, current.signingKeys);
  showKeys(configuration);
  metrics.tokenLifetime(configuration.tokens.lifetimeSeconds);

  // The first word on the database comes before the first question about it: a readiness probe that came too early
  // would cost seconds until the next. A database that does not answer does not hold up the start.
  const firstLook = Promise.all([health.start(), shared?.store.start()]);
  providers.registry.start();
  feed.start();
  gate.start();
  const closeConnections = (): Promise<unknown> =>
    Promise.all([feed.stop(), opened.close(), providers.close()]);
  const app = await createApp(services, certificate?.context, options.patience);
  await Promise.race([firstLook, sleep(clock, FIRST_LOOK_MS)]);
  try {
    await app.listen({host: configuration.host, port: configuration.port});
  } catch (error) {
    health.stop();
    shared?.store.stop();
    gate.stop();
    providers.registry.stop();
    await closeConnections();
    throw error;
  }
  const {port} = app.server.address() as AddressInfo;
  const sweeper = new Sweeper({database, sessions: configuration.sessions, clock, logger, metrics});
  sweeper.start();
  const renewing = certificate?.watch((context) => {
    if (app.server instanceof HttpsServer) app.server.setSecureContext(context);
  });

  let stopping: Promise<void> | undefined;
  async function stop(drainSeconds: number): Promise<void> {
    services.health.drain();
    await sleep(clock, drainSeconds * 1000);
    sweeper.stop();
    renewing?.stop();
    health.stop();
    providers.registry.stop();
    // Whoever has not finished by then is a client that does not read, or one that never sends the rest.
    const giveUp = clock.setTimeout(() => {
      logger.warn({seconds: CLOSE_MS / 1000}, 'connections that did not end by themselves are cut');
      app.server.closeAllConnections();
    }, CLOSE_MS);
    await app.close();
    giveUp.cancel();
    gate.stop();
    shared?.store.stop();
    await Promise.race([closeConnections(), sleep(clock, LAST_MS)]);
  }

  const host = configuration.host.includes(':') ? `[${configuration.host}]` : configuration.host;
  function replaceKeys(next: Pick<Configuration, 'signingKeys'>): void {
    const before = services.tokens.keys.signer.kid;
    services.tokens.replaceKeys(new KeySet(next.signingKeys));
    showKeys(next);
    const {kid} = services.tokens.keys.signer;
    if (kid !== before) audit.record('key_rotated', {outcome: 'success', reason: `${before} -> ${kid}`});
  }

  return {
    url: `${certificate ? 'https' : 'http'}://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    services,
    reconfigure(next) {
      providers.replace(next);
      services.pages.rebrand(next.branding);
      if (next.rateLimits) services.limits?.replace(next.rateLimits);
      replaceKeys(next);
      return needRestart(configuration, next);
    },
    replaceKeys,
    stop: (drainSeconds = configuration.drainSeconds) => (stopping ??= stop(drainSeconds)),
  };
}

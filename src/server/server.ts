import {Server as HttpsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {sleep} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import {composeServer, type ComposeOptions} from './compose.ts';
import {createApp, type Patience} from './http/app.ts';
import type {Services} from './services.ts';
import {needRestart} from './restart.ts';
import {closeConnections, stopServer} from './stop.ts';
import {Sweeper} from './sweeper.ts';
import {KeySet} from './tokens/keys.ts';

/** What a server is made of, and its patience with clients. */
export interface ServerOptions extends ComposeOptions {
  readonly patience?: Patience;
}

/** How long the start waits for the database's first answer. */
const FIRST_LOOK_MS = 1_000;

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
  const {configuration} = options;
  const parts = await composeServer(options);
  const {services, certificate, opened, providers, shared, feed} = parts;
  const {clock, metrics, gate, tokens} = services;
  metrics.keysInUse(tokens.keys.signer.kid, configuration.signingKeys);
  metrics.tokenLifetime(configuration.tokens.lifetimeSeconds);

  // The first word on the database comes before the first question about it: a readiness probe that came too early
  // would cost seconds until the next. A database that does not answer does not hold up the start.
  const firstLook = Promise.all([opened.health.start(), shared?.store.start()]);
  providers.registry.start();
  feed.start();
  gate.start();
  const app = await createApp(services, certificate?.context, options.patience);
  await Promise.race([firstLook, sleep(clock, FIRST_LOOK_MS)]);
  try {
    await app.listen({host: configuration.host, port: configuration.port});
  } catch (error) {
    opened.health.stop();
    shared?.store.stop();
    gate.stop();
    providers.registry.stop();
    await closeConnections(parts);
    throw error;
  }
  const {port} = app.server.address() as AddressInfo;
  const {database} = opened;
  const {logger} = services;
  const sweeper = new Sweeper({database, sessions: configuration.sessions, clock, logger, metrics});
  sweeper.start();
  const renewing = certificate?.watch((context) => {
    if (app.server instanceof HttpsServer) app.server.setSecureContext(context);
  });

  let stopping: Promise<void> | undefined;
  const host = configuration.host.includes(':') ? `[${configuration.host}]` : configuration.host;
  return {
    url: `${certificate ? 'https' : 'http'}://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    services,
    reconfigure(next) {
      providers.replace(next);
      services.pages.rebrand(next.branding);
      if (next.rateLimits) services.limits?.replace(next.rateLimits);
      replaceKeys(services, next);
      return needRestart(configuration, next);
    },
    replaceKeys: (next) => replaceKeys(services, next),
    stop: (drainSeconds = configuration.drainSeconds) =>
      (stopping ??= stopServer(parts, {app, sweeper, renewing}, drainSeconds)),
  };
}

/** Takes over the signing keys; where another signs, that is on record. */
function replaceKeys(
  {tokens, metrics, audit}: Services,
  {signingKeys}: Pick<Configuration, 'signingKeys'>,
): void {
  const before = tokens.keys.signer.kid;
  tokens.replaceKeys(new KeySet(signingKeys));
  const {kid} = tokens.keys.signer;
  metrics.keysInUse(kid, signingKeys);
  if (kid !== before) audit.record('key_rotated', {outcome: 'success', reason: `${before} -> ${kid}`});
}

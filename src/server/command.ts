// `fraiseql-auth serve`: the auth server. Its rooms:
//   http/       fastify: what every request has in common, one file a route, errors by the catalogue
//   pages/      what people see: sign-in, errors, their account; one theme, no script, all of it escaped
//   login/      a login under way: its transaction in PostgreSQL, the code flow, where a browser goes afterwards
//   providers/  identity providers: one entry a kind; metadata, keys, health; the fetch that reaches only them
//   sessions/   sessions in PostgreSQL: create, refresh exactly once, revoke; their SQL; an administrator's command
//   revocation/ which sessions stand, in memory, and the feed from PostgreSQL that keeps it true
//   tokens/     our own keys; signing and checking access tokens
//   check/      `fraiseql-auth check`: whether a configuration would serve, tried out before it does
//   limits/     how often a client may ask, and how often it may be wrong
//   overload/   who is served when not all can be
//   shared/     what replicas share through Redis: counts, and what one of them has read of a session
//   health/     what is watched in the background, and what the health route says of it
// Every request handler works on `Services`; `server.ts` puts them together.
import {systemClock} from '../support/clock.ts';
import {loadConfiguration} from '../support/configuration/load.ts';
import {ConfigurationError} from '../support/configuration/problems.ts';
import {createLogger} from '../support/logging.ts';
import {VERSION} from '../support/version.ts';
import {databaseUrlProblem} from './database-url.ts';
import {PROVIDER_TYPES} from './providers/catalogue.ts';
import {watchConfiguration} from './reload.ts';
import {startServer, type RunningServer} from './server.ts';
import {boundThreads} from './threads.ts';

/**
 * Runs the server until SIGTERM or SIGINT, then drains and closes. Returns the exit code: 0 after an orderly stop, 1
 * where the port cannot be had, 2 where the configuration cannot be used.
 */
export async function serve(options: {dev?: boolean}): Promise<number> {
  // From the first moment on: the first process of a container does not end by a signal that nobody listens to.
  const stopped = stopSignal();
  boundThreads();
  const development = options.dev === true;
  const load = (again = false) =>
    loadConfiguration({
      env: process.env,
      development,
      again,
      providerTypes: PROVIDER_TYPES,
      databaseUrlProblem,
    });
  let loaded: ReturnType<typeof load>;
  try {
    loaded = load();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const {configuration, files} = loaded;
  const logger = createLogger({component: 'server', level: configuration.logLevel});
  for (const warning of configuration.warnings) logger.warn(warning);

  let server: RunningServer;
  try {
    server = await startServer({configuration, logger});
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    logger.fatal(
      `cannot listen on ${configuration.host}:${configuration.port}: ${error.message}; PORT and SERVER_HOST say where`,
    );
    return 1;
  }
  logger.info(
    {version: VERSION, url: server.url, issuer: configuration.tokens.issuer, development},
    'listening',
  );
  const watching =
    configuration.reload !== 'Off' &&
    watchConfiguration({
      files,
      load: () => load(true),
      // Signing keys rotate under pods that serve; all else comes with other pods, where an operator sees to that.
      apply(next) {
        if (configuration.reload !== 'Keys') return server.reconfigure(next);
        server.replaceKeys(next);
        return [];
      },
      onOutcome: (outcome) => server.services.metrics.reloaded(outcome),
      clock: systemClock,
      logger,
    });
  const signal = await stopped;
  logger.info({signal, drainSeconds: configuration.drainSeconds}, 'stopping');
  if (watching) watching.stop();
  await server.stop();
  logger.info('stopped');
  return 0;
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}

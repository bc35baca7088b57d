import {sleep} from '../support/clock.ts';
import type {Certificate} from './certificate.ts';
import type {ServerParts} from './compose.ts';
import type {createApp} from './http/app.ts';
import type {Sweeper} from './sweeper.ts';

/** How long the stop waits for requests under way, once no new connection is taken. */
const CLOSE_MS = 15_000;

/** How long it then waits for the last statements; with Kubernetes' drain of 5 s all of it fits into a grace of 30 s. */
const LAST_MS = 7_000;

/** What runs once a server listens. */
interface Running {
  readonly app: Awaited<ReturnType<typeof createApp>>;
  readonly sweeper: Sweeper;
  readonly renewing: ReturnType<Certificate['watch']> | undefined;
}

/** Says not ready, serves on for `drainSeconds`, then takes no new connection, ends what is under way and closes. */
export async function stopServer(
  parts: ServerParts,
  {app, sweeper, renewing}: Running,
  drainSeconds: number,
): Promise<void> {
  const {services, opened, providers, shared} = parts;
  const {clock, logger} = services;
  services.health.drain();
  await sleep(clock, drainSeconds * 1000);
  sweeper.stop();
  renewing?.stop();
  opened.health.stop();
  providers.registry.stop();
  // Whoever has not finished by then is a client that does not read, or one that never sends the rest.
  const giveUp = clock.setTimeout(() => {
    logger.warn({seconds: CLOSE_MS / 1000}, 'connections that did not end by themselves are cut');
    app.server.closeAllConnections();
  }, CLOSE_MS);
  await app.close();
  giveUp.cancel();
  services.gate.stop();
  shared?.store.stop();
  await Promise.race([closeConnections(parts), sleep(clock, LAST_MS)]);
}

/** Closes what is open to the database and to the providers. */
export function closeConnections({feed, opened, providers}: ServerParts): Promise<unknown> {
  return Promise.all([feed.stop(), opened.close(), providers.close()]);
}

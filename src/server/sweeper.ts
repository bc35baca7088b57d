import {AuthError} from '../support/errors.ts';
import {explain} from './providers/failures.ts';
import type {Services} from './services.ts';

const EVERY_MS = 60_000;

/**
 * Removes, about once a minute, what nobody can ask for any more. Every replica does it, each at its own moment; rows
 * that another is at work on are left to it.
 */
export function startSweeping(services: Services): {stop(): void} {
  const {clock, logger, logins, sessions} = services;
  let stopped = false;
  const plan = (): {cancel(): void} =>
    clock.setTimeout(
      () => {
        void sweep();
      },
      EVERY_MS * (0.75 + Math.random() / 2),
    );
  let timer = plan();

  async function sweep(): Promise<void> {
    try {
      await logins.sweep();
      await sessions.sweep();
    } catch (error) {
      // An outage of the database is told by its own health; anything else is worth a line.
      if (!(error instanceof AuthError)) logger.warn({cause: explain(error)}, 'sweeping failed');
    }
    if (!stopped) timer = plan();
  }

  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

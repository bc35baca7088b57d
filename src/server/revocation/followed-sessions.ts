import type {Clock} from '../../support/clock.ts';
import type {Configuration} from '../../support/configuration/configuration.ts';
import type {Logger} from '../../support/logging.ts';
import type {Metrics} from '../metrics.ts';
import type {OpenDatabase} from '../open-database.ts';
import {explain} from '../providers/failures.ts';
import {Sessions} from '../sessions/sessions.ts';
import type {Shared} from '../shared/shared.ts';
import {RevocationFeed} from './feed.ts';
import {StandingSessions} from './standing-sessions.ts';

interface FollowOptions {
  readonly configuration: Configuration;
  readonly opened: Pick<OpenDatabase, 'database' | 'health' | 'url'>;
  readonly shared: Shared | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The sessions in the database, and what this replica knows of them. */
export interface FollowedSessions {
  readonly sessions: Sessions;
  /** Kept true by the feed. */
  readonly standing: StandingSessions;
  /** Nothing is heard until it is started. */
  readonly feed: RevocationFeed;
}

/** Whatever is heard of a session is forgotten wherever it is kept: here, and in what the replicas share. */
export function followSessions(options: FollowOptions): FollowedSessions {
  const {configuration, opened, shared, clock, logger, metrics} = options;
  const sessions = new Sessions(
    opened.database,
    configuration.sessions,
    configuration.tokens.clientId,
    clock,
  );
  const feed = new RevocationFeed({
    databaseUrl: opened.url,
    clock,
    onSession: (id) => changed(id),
    onGap() {
      cache?.forgetAll();
      standing.forgetAll();
    },
    onBeat: (lagMs) => metrics.feedBeat(lagMs),
    onChange(live, error) {
      if (live) {
        logger.info('the revocation feed is live');
        // Its connection is the first to find a database that is back.
        opened.health.answered();
        return;
      }
      logger.warn(
        {cause: explain(error)},
        'the revocation feed is lost: each request asks the database until it is back',
      );
    },
  });
  const cache = shared?.sessionCache(sessions, feed, (outcome) => metrics.sessionCache(outcome));
  const standing = new StandingSessions({
    sessions: cache ?? sessions,
    feed,
    idleSeconds: configuration.sessions.idleSeconds,
    clock,
    onError: (error) => logger.debug({cause: explain(error)}, 'the use of a session was not written down'),
  });
  const changed = (id: string): void => {
    cache?.forget(id);
    standing.forget(id);
  };
  sessions.onEnded(changed);
  metrics.watchFeed(() => feed.live);
  return {sessions, standing, feed};
}

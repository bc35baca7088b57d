import type {Clock} from '../support/clock.ts';
import type {Configuration} from '../support/configuration/configuration.ts';
import type {Logger} from '../support/logging.ts';
import type {Audit} from './audit.ts';
import type {Health} from './health/health.ts';
import type {Cookies} from './http/cookies.ts';
import type {FailedCredentials} from './limits/failed-credentials.ts';
import type {Limits} from './limits/limits.ts';
import type {LoginTransactions} from './login/transactions.ts';
import type {Metrics} from './metrics.ts';
import type {Gate} from './overload/gate.ts';
import type {Pages} from './pages/pages.ts';
import type {ProviderRegistry} from './providers/registry.ts';
import type {RevocationCheck} from './sessions/session.ts';
import type {Sessions} from './sessions/sessions.ts';
import type {AccessTokens} from './tokens/access-token.ts';

/** What the routes are made of. */
export interface Services {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly gate: Gate;
  readonly health: Health;
  readonly cookies: Cookies;
  readonly pages: Pages;
  /** Undefined where they are switched off. */
  readonly limits: Limits | undefined;
  /** Likewise. */
  readonly failures: FailedCredentials | undefined;
  readonly logins: LoginTransactions;
  readonly providers: ProviderRegistry;
  readonly sessions: Sessions;
  readonly revocations: RevocationCheck;
  readonly tokens: AccessTokens;
}

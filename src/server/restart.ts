import {isDeepStrictEqual} from 'node:util';
import type {Configuration} from '../support/configuration/configuration.ts';

/** What a file may change and a running server does not take over, by the names that people know. */
const SETTINGS: Readonly<Record<string, (configuration: Configuration) => unknown>> = {
  OAUTH_REDIRECT_URI: ({login}) => login.redirectUri,
  JWT_ISSUER: ({tokens}) => tokens.issuer,
  JWT_PREVIOUS_ISSUERS: ({tokens}) => tokens.previousIssuers,
  JWT_AUDIENCE: ({tokens}) => tokens.audience,
  RETURN_TO_ORIGINS: ({login}) => login.returnToOrigins,
  STATE_KEY: ({login}) => login.stateKey,
  DATABASE_URL: ({database}) => database.url,
  REDIS_URL: ({redis}) => redis,
  INTROSPECTION_CLIENT_ID: ({introspection}) => introspection?.clientId,
  INTROSPECTION_CLIENT_SECRET: ({introspection}) => introspection?.clientSecret,
};

/** The names of the settings that differ and take effect only with a restart. */
export function needRestart(running: Configuration, next: Configuration): readonly string[] {
  return Object.entries(SETTINGS)
    .filter(([, of]) => !isDeepStrictEqual(of(running), of(next)))
    .map(([name]) => name);
}

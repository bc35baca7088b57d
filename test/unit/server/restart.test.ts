import {describe, expect, it} from 'vitest';
import {needRestart} from '../../../src/server/restart.ts';
import type {Configuration} from '../../../src/support/configuration/configuration.ts';
import {GUIDE, load} from '../support/configuration/guide.ts';

/** Of the environment alone: the same as long as the process lives. */
const FIXED = 'fixed';
/** Taken over by a server that runs. */
const TAKEN_OVER = 'taken over';

/** What becomes of each value of the configuration that differs when it is loaded again: else the setting to name. */
const FATES: Readonly<Record<string, string>> = {
  development: FIXED,
  logLevel: FIXED,
  host: FIXED,
  port: FIXED,
  // Their files' contents are taken over.
  'tls.certPath': FIXED,
  'tls.keyPath': FIXED,
  'database.url': 'DATABASE_URL',
  'database.caFile': FIXED,
  'database.poolSize': FIXED,
  'database.maxLifetimeSeconds': FIXED,
  'tokens.issuer': 'JWT_ISSUER',
  'tokens.previousIssuers': 'JWT_PREVIOUS_ISSUERS',
  'tokens.audience': 'JWT_AUDIENCE',
  'tokens.clientId': FIXED,
  'tokens.lifetimeSeconds': FIXED,
  'tokens.keysMaxAgeSeconds': FIXED,
  'sessions.lifetimeSeconds': FIXED,
  'sessions.idleSeconds': FIXED,
  'sessions.replayWindowSeconds': FIXED,
  'sessions.rotation': FIXED,
  'login.redirectUri': 'OAUTH_REDIRECT_URI',
  // Part of redirectUri.
  'login.origin': FIXED,
  'login.binding': FIXED,
  'login.lifetimeSeconds': FIXED,
  'login.returnToOrigins': 'RETURN_TO_ORIGINS',
  'login.stateKey': 'STATE_KEY',
  'branding.name': TAKEN_OVER,
  'branding.logoUrl': TAKEN_OVER,
  'branding.color': TAKEN_OVER,
  providers: TAKEN_OVER,
  'introspection.clientId': 'INTROSPECTION_CLIENT_ID',
  'introspection.clientSecret': 'INTROSPECTION_CLIENT_SECRET',
  signingKeys: TAKEN_OVER,
  allowedHosts: TAKEN_OVER,
  trustedProxies: FIXED,
  'rateLimits.startPerMinute': TAKEN_OVER,
  'rateLimits.callbackPerMinute': TAKEN_OVER,
  'rateLimits.refreshPerMinute': TAKEN_OVER,
  'rateLimits.logoutPerMinute': TAKEN_OVER,
  'rateLimits.failedLoginsPerHour': TAKEN_OVER,
  'redis.url': 'REDIS_URL',
  'redis.tls': 'REDIS_URL',
  'redis.sessionTtlSeconds': 'REDIS_URL',
  reload: FIXED,
  drainSeconds: FIXED,
  warnings: FIXED,
};

const running = load({
  ...GUIDE,
  INTROSPECTION_CLIENT_ID: 'gateway',
  INTROSPECTION_CLIENT_SECRET: 'a secret that is long enough',
  REDIS_URL: 'redis://redis.internal:6379',
  STATE_KEY: 'a'.repeat(44),
});

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** That configuration with another value there. */
function changed(path: string): Configuration {
  const [group = '', field] = path.split('.');
  const before: unknown = running[group as keyof Configuration];
  const after = field !== undefined && isGroup(before) ? {...before, [field]: ['another']} : ['another'];
  return {...running, [group]: after};
}

describe('what takes effect with a restart only', () => {
  it('is told or taken over, or cannot differ: each value of the configuration is one of these', () => {
    const values = Object.entries(running).flatMap(([name, value]) =>
      isGroup(value) ? Object.keys(value).map((field) => `${name}.${field}`) : [name],
    );
    expect(values.toSorted()).toEqual(Object.keys(FATES).toSorted());
  });

  it.each(Object.entries(FATES))('%s: %s', (path, fate) => {
    const named = fate === FIXED || fate === TAKEN_OVER ? [] : [fate];
    expect(needRestart(running, changed(path))).toEqual(named);
  });
});

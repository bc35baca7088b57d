import {describe, expect, it} from 'vitest';
import {GUIDE, SHORT_RSA, P384, problemsOf, without} from './guide.ts';

describe('a wrong setting', () => {
  it.each<[string, NodeJS.ProcessEnv, string]>([
    ['PORT', {PORT: '80a'}, 'PORT: must be a whole number from 0 to 65535'],
    ['PORT too large', {PORT: '70000'}, 'PORT: must be a whole number from 0 to 65535'],
    ['SERVER_HOST', {SERVER_HOST: 'a b'}, 'SERVER_HOST: must be a host name'],
    [
      'OAUTH_PROVIDER',
      {OAUTH_PROVIDER: 'gogle'},
      'OAUTH_PROVIDER: must be one of google, keycloak, auth0, okta, azure, github, oidc',
    ],
    [
      'AZURE_TENANT_ID of any tenant',
      {OAUTH_PROVIDER: 'azure', AZURE_TENANT_ID: 'common', AZURE_CLIENT_ID: 'x', AZURE_CLIENT_SECRET: 'y'},
      "AZURE_TENANT_ID: must name one tenant by its directory's id",
    ],
    [
      'OAUTH_REDIRECT_URI',
      {OAUTH_REDIRECT_URI: 'api.example.com/auth/callback'},
      'OAUTH_REDIRECT_URI: must be an absolute URL',
    ],
    [
      'its path',
      {OAUTH_REDIRECT_URI: 'https://api.example.com/callback'},
      'OAUTH_REDIRECT_URI: must end in /auth/callback',
    ],
    [
      'its fragment',
      {OAUTH_REDIRECT_URI: 'https://api.example.com/auth/callback#x'},
      'OAUTH_REDIRECT_URI: must not have a query or a fragment',
    ],
    ['JWT_ISSUER', {JWT_ISSUER: 'me'}, 'JWT_ISSUER: must be an absolute URL'],
    ['JWT_AUDIENCE', {JWT_AUDIENCE: ','}, 'JWT_AUDIENCE: must name one audience at least'],
    ['RUST_LOG', {RUST_LOG: 'info,fraiseql_server=loud'}, 'RUST_LOG: must be one of trace, debug'],
    [
      'OIDC_DISCOVERY_URL beside OIDC_ISSUER_URL',
      {
        OAUTH_PROVIDER: 'oidc',
        OIDC_ISSUER_URL: 'https://id.example.com',
        OIDC_DISCOVERY_URL: 'id.internal',
        OIDC_CLIENT_ID: 'x',
        OIDC_CLIENT_SECRET: 'y',
      },
      'OIDC_DISCOVERY_URL: must be an absolute URL',
    ],
    [
      'RETURN_TO_ORIGINS',
      {RETURN_TO_ORIGINS: 'https://*.example.com'},
      'RETURN_TO_ORIGINS: must be an origin of one host: no asterisk',
    ],
    ['JWT_ALGORITHM', {JWT_ALGORITHM: 'HS256'}, 'JWT_ALGORITHM: must be one of RS256, ES256, EdDSA'],
    [
      'the key for the algorithm',
      {JWT_ALGORITHM: 'ES256'},
      'JWT_SIGNING_KEY: is no P-256 key, which ES256 needs',
    ],
    ['another curve', {JWT_ALGORITHM: 'ES256', JWT_SIGNING_KEY: P384}, 'JWT_SIGNING_KEY: is no P-256 key'],
    [
      'a short RSA key',
      {JWT_SIGNING_KEY: SHORT_RSA},
      'JWT_SIGNING_KEY: is an RSA key of less than 2048 bits',
    ],
    ['no key at all', {JWT_SIGNING_KEY: 'hunter2'}, 'JWT_SIGNING_KEY: is not an unencrypted key in PEM'],
    ['DATABASE_URL', {DATABASE_URL: 'mysql://u:hunter2@h/d'}, 'DATABASE_URL: must begin with postgres://'],
    [
      'DATABASE_POOL_SIZE',
      {DATABASE_POOL_SIZE: '0'},
      'DATABASE_POOL_SIZE: must be a whole number from 1 to 1000',
    ],
    [
      'DATABASE_MAX_LIFETIME',
      {DATABASE_MAX_LIFETIME: '30m'},
      'DATABASE_MAX_LIFETIME: must be a whole number',
    ],
    [
      'SESSION_TIMEOUT_MINUTES',
      {SESSION_TIMEOUT_MINUTES: '-1'},
      'SESSION_TIMEOUT_MINUTES: must be a whole number',
    ],
    [
      'an idle limit longer than a session',
      {REFRESH_TOKEN_TTL: '3600', REFRESH_IDLE_TTL: '3601'},
      'REFRESH_IDLE_TTL: must not be longer than REFRESH_TOKEN_TTL (3600 seconds)',
    ],
    ['REFRESH_TOKEN_TTL', {REFRESH_TOKEN_TTL: '1'}, 'REFRESH_TOKEN_TTL: must be a whole number from 60'],
    [
      'REFRESH_REPLAY_WINDOW',
      {REFRESH_REPLAY_WINDOW: '301'},
      'REFRESH_REPLAY_WINDOW: must be a whole number from 0 to 300',
    ],
    ['REFRESH_ROTATION', {REFRESH_ROTATION: 'static'}, 'REFRESH_ROTATION: must be one of Rotate, Static'],
    ['RP_INITIATED_LOGOUT', {RP_INITIATED_LOGOUT: 'no'}, 'RP_INITIATED_LOGOUT: must be one of On, Off'],
    ['LOGIN_BINDING', {LOGIN_BINDING: 'off'}, 'LOGIN_BINDING: must be one of Cookie, None'],
    [
      'RETURN_TO_ORIGINS',
      {RETURN_TO_ORIGINS: 'https://a.example.com, *.example.com'},
      'RETURN_TO_ORIGINS: must be an origin',
    ],
    [
      'an origin with a path',
      {RETURN_TO_ORIGINS: 'https://a.example.com/app'},
      'RETURN_TO_ORIGINS: must be an origin: no path',
    ],
    ['REDIS_URL', {REDIS_URL: 'http://:hunter2@redis:6379'}, 'REDIS_URL: must be redis://user:password@host'],
    ['its database', {REDIS_URL: 'redis://:hunter2@redis:6379/auth'}, 'REDIS_URL: must end after the port'],
    ['its options', {REDIS_URL: 'rediss://:hunter2@redis:6379?tls=x'}, 'REDIS_URL: must end after the port'],
    [
      'REDIS_CA',
      {REDIS_URL: 'rediss://redis:6379', REDIS_CA: 'hunter2'},
      'REDIS_CA: must be one certificate',
    ],
    ['one without its URL', {REDIS_CA: 'hunter2'}, 'REDIS_CA: has no effect without REDIS_URL'],
    [
      'SESSION_CACHE_TTL',
      {SESSION_CACHE_TTL: '0'},
      'SESSION_CACHE_TTL: must be a whole number from 1 to 3600',
    ],
    [
      'a limit',
      {RATE_LIMIT_START_PER_MINUTE: 'many'},
      'RATE_LIMIT_START_PER_MINUTE: must be a whole number from 1 to 1000000',
    ],
    [
      'TRUSTED_PROXIES',
      {TRUSTED_PROXIES: '10.0.0.0/8,all'},
      'TRUSTED_PROXIES: must be addresses or CIDR blocks',
    ],
    [
      'PROVIDER_ALLOWED_HOSTS',
      {PROVIDER_ALLOWED_HOSTS: 'http://keycloak:8080'},
      'PROVIDER_ALLOWED_HOSTS: must be host or host:port',
    ],
    ['STATE_KEY', {STATE_KEY: 'hunter2'}, 'STATE_KEY: must be at least 32 random bytes in base64'],
    ['LOG_LEVEL', {LOG_LEVEL: 'loud'}, 'LOG_LEVEL: must be one of'],
    [
      'a secret given twice',
      {DATABASE_URL_FILE: '/x'},
      'DATABASE_URL: is set beside DATABASE_URL_FILE; keep one of the two',
    ],
  ])('%s', (_name, env, expected) => {
    const problems = problemsOf({...GUIDE, ...env});
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
    expect(problems.join()).not.toContain('hunter2');
  });

  it.each<[string, string]>([
    ['DATABASE_URL', 'DATABASE_URL: is needed, or DATABASE_URL_FILE'],
    ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_ID: is needed for the provider google'],
    [
      'GOOGLE_CLIENT_SECRET',
      'GOOGLE_CLIENT_SECRET: is needed for the provider google, or GOOGLE_CLIENT_SECRET_FILE',
    ],
    ['OAUTH_REDIRECT_URI', 'OAUTH_REDIRECT_URI: is needed, as in https://api.example.com/auth/callback'],
    ['JWT_SIGNING_KEY', 'JWT_SIGNING_KEY: is needed: a private key in PEM'],
  ])('%s missing', (name, expected) => {
    const problems = problemsOf(without(name));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('an empty variable counts as missing', () => {
    expect(problemsOf({...GUIDE, DATABASE_URL: ' '})).toEqual([
      'DATABASE_URL: is needed, or DATABASE_URL_FILE',
    ]);
  });

  it('is told together with all others, each by its name', () => {
    const problems = problemsOf({
      PORT: 'x',
      JWT_ALGORITHM: 'none',
      KEYCLOAK_CLIENT_ID: 'x',
      KEYCLOAK_URL: 'https://k',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'JWT_ALGORITHM',
      'DATABASE_URL',
      'KEYCLOAK_CLIENT_SECRET',
      'KEYCLOAK_REALM',
      'JWT_SIGNING_KEY',
      'OAUTH_REDIRECT_URI',
    ]);
  });

  it('with nothing set, names the provider too', () => {
    expect(problemsOf({}).map((problem) => problem.split(':')[0])).toEqual([
      'DATABASE_URL',
      'OAUTH_PROVIDER',
      'JWT_SIGNING_KEY',
      'OAUTH_REDIRECT_URI',
    ]);
  });
});

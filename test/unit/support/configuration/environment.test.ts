import {describe, expect, it} from 'vitest';
import {GUIDE, load, without} from './guide.ts';

describe("the guide's environment", () => {
  it('is taken as it stands', () => {
    const configuration = load(GUIDE);
    expect(configuration).toMatchObject({
      port: 8000,
      host: '0.0.0.0',
      logLevel: 'info',
      database: {poolSize: 20, maxLifetimeSeconds: 1800},
      tokens: {lifetimeSeconds: 3600},
      sessions: {lifetimeSeconds: 604_800, replayWindowSeconds: 30, rotation: 'Rotate'},
      login: {origin: 'https://api.yourdomain.com', binding: 'Cookie'},
    });
    expect(configuration.providers).toMatchObject([
      {name: 'google', type: 'google', issuer: 'https://accounts.google.com', clientId: 'prod-client-id'},
    ]);
  });

  it("gives JWT_ISSUER the provider's issuer: ours is the origin of OAUTH_REDIRECT_URI, with a warning", () => {
    const configuration = load(GUIDE);
    expect(configuration.tokens.issuer).toBe('https://api.yourdomain.com');
    expect(configuration.warnings.join()).toContain('JWT_ISSUER: is the issuer of the provider google');
  });

  it.each(['https://API.example.com/', 'https://api.example.com/auth/', 'https://api.example.com'])(
    'takes our issuer as it is written: %s',
    (issuer) => {
      const {tokens} = load({...GUIDE, JWT_ISSUER: issuer});
      expect([tokens.issuer, tokens.audience]).toEqual([issuer, [issuer]]);
      // What was signed for it when it was spelled otherwise stays good.
      const before = issuer.toLowerCase().replace(/\/$/, '');
      expect(tokens.previousIssuers).toEqual(before === issuer ? [] : [before]);
    },
  );

  it('finds the metadata of an issuer elsewhere', () => {
    const {providers} = load({
      ...without('GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'),
      OAUTH_PROVIDER: 'oidc',
      OIDC_ISSUER_URL: 'https://id.example.com',
      OIDC_DISCOVERY_URL: 'https://id.internal/.well-known/openid-configuration',
      OIDC_CLIENT_ID: 'x',
      OIDC_CLIENT_SECRET: 'y',
    });
    expect(providers).toMatchObject([
      {
        issuer: 'https://id.example.com',
        discoveryUrl: 'https://id.internal/.well-known/openid-configuration',
      },
    ]);
  });

  it('warns of an issuer of our own on plain http, and of two providers of one issuer', () => {
    const configuration = load({
      ...without('OAUTH_PROVIDER'),
      JWT_ISSUER: 'http://tokens.example.com',
      OIDC_ISSUER_URL: 'https://accounts.google.com/',
      OIDC_CLIENT_ID: 'another',
      OIDC_CLIENT_SECRET: 'the secret of another',
    });
    const warnings = configuration.warnings.join('\n');
    expect(warnings).toContain('JWT_ISSUER: is plain http');
    expect(warnings).toMatch(/providers: (?:google and oidc|oidc and google) have the same issuer/);
    expect(load({...GUIDE, JWT_ISSUER: 'http://localhost:8000'}).warnings.join()).not.toContain('plain http');
  });

  it('takes its certificate', () => {
    const {TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath} = GUIDE;
    expect(load(GUIDE).tls).toEqual({certPath, keyPath});
    expect(load(without('TLS_CERT_PATH', 'TLS_KEY_PATH')).tls).toBeUndefined();
  });

  it('takes its Redis', () => {
    const redis = {REDIS_URL: 'redis://redis.internal:6379', SESSION_CACHE_TTL: '300'};
    expect(load({...GUIDE, ...redis}).redis).toEqual({
      url: redis.REDIS_URL,
      tls: undefined,
      sessionTtlSeconds: 300,
    });
    const encrypted = {REDIS_URL: 'REDISS://redis.internal:6379/1', REDIS_CA_FILE: GUIDE.TLS_CERT_PATH};
    expect(load({...GUIDE, REDIS_URL: encrypted.REDIS_URL}).redis?.tls).toEqual({});
    expect(load({...GUIDE, ...encrypted}).redis?.tls?.ca).toMatch(/^-----BEGIN CERTIFICATE/);
    expect(load(GUIDE).redis).toBeUndefined();
    expect(load({...GUIDE, ...redis}).warnings.join()).toContain(
      'REDIS_URL: limits are shared, but sessions',
    );
  });

  it('warns of an idle limit no longer than an access token is valid, unless it is all of a session', () => {
    const warned = (idle: string, more: Record<string, string> = {}): string[] =>
      load({...GUIDE, REFRESH_IDLE_TTL: idle, SESSION_TIMEOUT_MINUTES: '30', ...more}).warnings.filter(
        (each) => each.startsWith('REFRESH_IDLE_TTL'),
      );
    expect(warned('1800')).toEqual([
      expect.stringContaining('raise REFRESH_IDLE_TTL or lower SESSION_TIMEOUT_MINUTES'),
    ]);
    expect(warned('1801')).toEqual([]);
    expect(warned('600', {REFRESH_TOKEN_TTL: '600'})).toEqual([]);
  });

  it('takes limits one by one', () => {
    expect(load({...GUIDE, RATE_LIMIT_LOGOUT_PER_MINUTE: '7'}).rateLimits).toEqual({
      startPerMinute: 100,
      callbackPerMinute: 50,
      refreshPerMinute: 10,
      logoutPerMinute: 7,
      failedLoginsPerHour: 5,
    });
  });

  it('needs no OAUTH_PROVIDER, as in its Compose file', () => {
    expect(load(without('OAUTH_PROVIDER')).providers.map(({name}) => name)).toEqual(['google']);
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'keycloak',
      {
        KEYCLOAK_URL: 'https://keycloak.yourdomain.com/',
        KEYCLOAK_REALM: 'production',
        KEYCLOAK_CLIENT_ID: 'x',
        KEYCLOAK_CLIENT_SECRET: 'y',
      },
      'https://keycloak.yourdomain.com/realms/production',
    ],
    [
      'auth0',
      {AUTH0_DOMAIN: 'tenant.eu.auth0.com', AUTH0_CLIENT_ID: 'x', AUTH0_CLIENT_SECRET: 'y'},
      'https://tenant.eu.auth0.com/',
    ],
    [
      'okta',
      {OKTA_DOMAIN: 'example.okta.com', OKTA_CLIENT_ID: 'x', OKTA_CLIENT_SECRET: 'y'},
      'https://example.okta.com',
    ],
    [
      'okta',
      {
        OKTA_DOMAIN: 'https://example.okta.com/',
        OKTA_AUTHORIZATION_SERVER_ID: 'default',
        OKTA_CLIENT_ID: 'x',
        OKTA_CLIENT_SECRET: 'y',
      },
      'https://example.okta.com/oauth2/default',
    ],
    [
      'azure',
      {
        AZURE_TENANT_ID: '9b1f0c1e-0000-4000-8000-00000000000a',
        AZURE_CLIENT_ID: 'x',
        AZURE_CLIENT_SECRET: 'y',
      },
      'https://login.microsoftonline.com/9b1f0c1e-0000-4000-8000-00000000000a/v2.0',
    ],
    ['github', {GITHUB_CLIENT_ID: 'x', GITHUB_CLIENT_SECRET: 'y'}, 'https://github.com'],
    [
      'oidc',
      {OIDC_ISSUER_URL: 'https://id.example.com', OIDC_CLIENT_ID: 'x', OIDC_CLIENT_SECRET: 'y'},
      'https://id.example.com',
    ],
    [
      'oidc',
      {
        OIDC_DISCOVERY_URL: 'https://id.example.com/a/.well-known/openid-configuration',
        OIDC_CLIENT_ID: 'x',
        OIDC_CLIENT_SECRET: 'y',
      },
      'https://id.example.com/a',
    ],
  ])('takes %s (%#)', (name, env, issuer) => {
    const {providers} = load({
      ...without('GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'),
      OAUTH_PROVIDER: name,
      ...env,
    });
    expect(providers).toMatchObject([{name, issuer, clientId: 'x', clientSecret: 'y'}]);
  });
});

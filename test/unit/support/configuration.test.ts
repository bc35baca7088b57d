import {generateKeyPairSync} from 'node:crypto';
import {mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {PROVIDER_TYPES} from '../../../src/server/providers/catalogue.ts';
import {loadConfiguration} from '../../../src/support/configuration/load.ts';
import {ConfigurationError} from '../../../src/support/configuration/problems.ts';
import {currentHash} from '../../../src/support/configuration/sources.ts';
import type {Configuration} from '../../../src/support/configuration/configuration.ts';

const directory = mkdtempSync(join(tmpdir(), 'configuration-'));
afterAll(() => rmSync(directory, {recursive: true}));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const pem = (pair: {
  privateKey: {export(options: {type: 'pkcs8'; format: 'pem'}): string | Buffer};
}): string => String(pair.privateKey.export({type: 'pkcs8', format: 'pem'}));
const RSA = pem(generateKeyPairSync('rsa', {modulusLength: 2048}));
const SHORT_RSA = pem(generateKeyPairSync('rsa', {modulusLength: 1024}));
const P256 = pem(generateKeyPairSync('ec', {namedCurve: 'prime256v1'}));
const P384 = pem(generateKeyPairSync('ec', {namedCurve: 'secp384r1'}));
const ED25519 = pem(generateKeyPairSync('ed25519'));

/** The guide's production environment, and our signing key. */
const GUIDE: NodeJS.ProcessEnv = {
  OAUTH_PROVIDER: 'google',
  GOOGLE_CLIENT_ID: 'prod-client-id',
  GOOGLE_CLIENT_SECRET: 'prod-secret',
  OAUTH_REDIRECT_URI: 'https://api.yourdomain.com/auth/callback',
  JWT_ISSUER: 'https://accounts.google.com',
  JWT_ALGORITHM: 'RS256',
  DATABASE_URL: 'postgres://user:strong_password@prod-db.internal:5432/FraiseQL',
  DATABASE_POOL_SIZE: '20',
  DATABASE_MAX_LIFETIME: '1800',
  RUST_LOG: 'info,fraiseql_server::auth=info',
  SESSION_TIMEOUT_MINUTES: '60',
  PORT: '8000',
  SERVER_HOST: '0.0.0.0',
  TLS_CERT_PATH: '/etc/FraiseQL/certs/server.crt',
  TLS_KEY_PATH: '/etc/FraiseQL/certs/server.key',
  JWT_SIGNING_KEY: RSA,
};

function load(env: NodeJS.ProcessEnv, development = false): Configuration {
  return loadConfiguration({
    env,
    development,
    providerTypes: PROVIDER_TYPES,
    databaseUrlProblem: (url) => (url.startsWith('postgres://') ? undefined : 'must begin with postgres://'),
  }).configuration;
}

function problemsOf(env: NodeJS.ProcessEnv, development = false): readonly string[] {
  try {
    load(env, development);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const without = (...names: string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(GUIDE).filter(([name]) => !names.includes(name)));

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

  it('warns of what has no effect yet', () => {
    const warnings = load({...GUIDE, REDIS_URL: 'redis://:secret@r', SESSION_CACHE_TTL: '300'}).warnings.join(
      '\n',
    );
    for (const name of ['TLS_CERT_PATH', 'TLS_KEY_PATH', 'REDIS_URL', 'SESSION_CACHE_TTL']) {
      expect(warnings).toContain(`${name}: has no effect`);
    }
    expect(warnings).not.toContain('secret');
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

describe('a wrong setting', () => {
  it.each<[string, NodeJS.ProcessEnv, string]>([
    ['PORT', {PORT: '80a'}, 'PORT: must be a whole number from 0 to 65535'],
    ['PORT too large', {PORT: '70000'}, 'PORT: must be a whole number from 0 to 65535'],
    ['SERVER_HOST', {SERVER_HOST: 'a b'}, 'SERVER_HOST: must be a host name'],
    [
      'OAUTH_PROVIDER',
      {OAUTH_PROVIDER: 'gogle'},
      'OAUTH_PROVIDER: must be one of google, keycloak, auth0, oidc',
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
    ['REFRESH_TOKEN_TTL', {REFRESH_TOKEN_TTL: '1'}, 'REFRESH_TOKEN_TTL: must be a whole number from 60'],
    [
      'REFRESH_REPLAY_WINDOW',
      {REFRESH_REPLAY_WINDOW: '301'},
      'REFRESH_REPLAY_WINDOW: must be a whole number from 0 to 300',
    ],
    ['REFRESH_ROTATION', {REFRESH_ROTATION: 'static'}, 'REFRESH_ROTATION: must be one of Rotate, Static'],
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

describe('NAME_FILE', () => {
  it('gives each secret', () => {
    const configuration = load({
      ...without('DATABASE_URL', 'GOOGLE_CLIENT_SECRET', 'JWT_SIGNING_KEY'),
      DATABASE_URL_FILE: file('url', 'postgres://u:p@h/d\n'),
      GOOGLE_CLIENT_SECRET_FILE: file('secret', 'from a file\n'),
      JWT_SIGNING_KEY_FILE: file('key.pem', RSA),
      STATE_KEY_FILE: file('state', Buffer.alloc(32, 1).toString('base64')),
    });
    expect(configuration.database.url).toBe('postgres://u:p@h/d');
    expect(configuration.providers[0]?.clientSecret).toBe('from a file');
    expect(configuration.login.stateKey).toEqual(Buffer.alloc(32, 1));
  });

  it('that cannot be read is named with its path', () => {
    expect(problemsOf({...without('DATABASE_URL'), DATABASE_URL_FILE: '/nonexistent'})).toEqual([
      'DATABASE_URL_FILE: the file /nonexistent cannot be read (ENOENT)',
    ]);
  });
});

describe('a signing key', () => {
  it('in one line with \\n, as .env files have it', () => {
    expect(load({...GUIDE, JWT_SIGNING_KEY: RSA.replaceAll('\n', String.raw`\n`)}).signingKeys).toHaveLength(
      1,
    );
  });

  it.each([
    ['ES256', P256],
    ['EdDSA', ED25519],
  ])('for %s', (algorithm, key) => {
    expect(load({...GUIDE, JWT_ALGORITHM: algorithm, JWT_SIGNING_KEY: key}).signingKeys).toMatchObject([
      {algorithm},
    ]);
  });

  it('is made for development, and only there', () => {
    expect(load(without('JWT_SIGNING_KEY'), true).signingKeys).toHaveLength(1);
  });

  it('has its thumbprint as kid (RFC 7638 3.1)', async () => {
    const {thumbprint} = await import('../../../src/support/configuration/signing-keys.ts');
    const {createPublicKey} = await import('node:crypto');
    const {calculateJwkThumbprint, exportJWK} = await import('jose');
    for (const key of [RSA, P256, ED25519]) {
      const publicKey = createPublicKey(key);
      expect(thumbprint(publicKey)).toBe(await calculateJwkThumbprint(await exportJWK(publicKey)));
    }
  });
});

describe('AUTH_CONFIG_FILE', () => {
  const base = without(
    'OAUTH_PROVIDER',
    'GOOGLE_CLIENT_ID',
    'GOOGLE_CLIENT_SECRET',
    'JWT_ISSUER',
    'JWT_SIGNING_KEY',
    'OAUTH_REDIRECT_URI',
  );
  const env = (text: string): NodeJS.ProcessEnv => ({
    ...base,
    OAUTH_REDIRECT_URI: 'https://api.example.com/auth/callback',
    AUTH_CONFIG_FILE: file('auth.yaml', text),
  });
  const secret = file('client-secret', 'the secret');
  const id = file('client-id', 'the id');
  const now = file('2026-11.pem', RSA);
  const before = file('2026-10.pem', RSA);
  const whole = `
issuer: https://api.example.com
providers:
  - {name: google, type: google, displayName: Google, clientId: abc, clientSecretFile: ${secret}}
  - {name: staff, type: Keycloak, issuerUrl: https://id.example.com/realms/staff, clientIdFile: ${id}, clientSecretFile: ${secret}, allowedEmailDomains: [Example.com]}
signingKeys:
  - {kid: 2026-11, algorithm: RS256, file: ${now}, use: sign}
  - {algorithm: RS256, file: ${before}, use: verify}
allowedHosts: [keycloak.idp.svc:8080]
`;

  it('gives several providers and keys', () => {
    const configuration = load(env(whole));
    expect(configuration.providers).toMatchObject([
      {name: 'google', issuer: 'https://accounts.google.com', clientId: 'abc', clientSecret: 'the secret'},
      {
        name: 'staff',
        type: 'keycloak',
        displayName: 'Keycloak',
        clientId: 'the id',
        allowedEmailDomains: ['example.com'],
      },
    ]);
    expect(configuration.signingKeys.map((key) => [key.kid, key.privateKey !== undefined])).toEqual([
      ['2026-11', true],
      ['2026-10', false],
    ]);
    expect(configuration.allowedHosts).toEqual(['keycloak.idp.svc:8080']);
  });

  it('gives way to a variable that is set', () => {
    const configuration = load({
      ...env(whole),
      JWT_SIGNING_KEY: RSA,
      PROVIDER_ALLOWED_HOSTS: 'other',
      JWT_ISSUER: 'https://other.example.com',
    });
    expect(configuration.allowedHosts).toEqual(['other']);
    expect(configuration.tokens.issuer).toBe('https://other.example.com');
    expect(configuration.signingKeys.filter((key) => key.privateKey).map(({kid}) => kid)).not.toContain(
      '2026-11',
    );
    expect(configuration.signingKeys).toHaveLength(3);
  });

  it.each<[string, string, string]>([
    [
      'a secret written into it',
      'providers: [{name: a, type: google, clientId: b, clientSecret: hunter2}]',
      'has no setting "clientSecret"; secrets are named by file',
    ],
    ['what is not YAML', 'providers: [', 'is not YAML (line 1'],
    [
      'an unknown type',
      `providers: [{name: a, type: gogle, clientId: b, clientSecretFile: ${secret}}]`,
      'providers[0].type: must be one of google',
    ],
    [
      'no issuer',
      `providers: [{name: a, type: oidc, clientId: b, clientSecretFile: ${secret}}]`,
      'providers[0].issuerUrl: is needed for the type oidc',
    ],
    [
      'no client id',
      `providers: [{name: a, type: google, clientSecretFile: ${secret}}]`,
      'providers[0].clientId: set either clientId or clientIdFile',
    ],
    [
      'a name twice',
      `providers: [{name: a, type: google, clientId: b, clientSecretFile: ${secret}}, {name: a, type: google, clientId: b, clientSecretFile: ${secret}}]`,
      'providers[1].name: "a" is used twice',
    ],
    [
      'a file that is not there',
      'signingKeys: [{file: /nonexistent.pem}]',
      'signingKeys[0].file: the file /nonexistent.pem cannot be read',
    ],
    [
      'two keys that sign',
      `signingKeys: [{kid: a, file: ${now}}, {kid: b, file: ${before}}]`,
      'signingKeys: exactly one may have use: sign',
    ],
    [
      'no key that signs',
      `signingKeys: [{kid: a, file: ${now}, use: verify}]`,
      'signingKeys: one must have use: sign',
    ],
    [
      'a kid twice',
      `signingKeys: [{kid: a, file: ${now}}, {kid: a, file: ${before}, use: verify}]`,
      'signingKeys[1].kid: "a" is used twice',
    ],
  ])('is refused with %s', (_name, text, expected) => {
    const problems = problemsOf(env(text)).join('\n');
    expect(problems).toContain(`AUTH_CONFIG_FILE`);
    expect(problems).toContain(expected);
    expect(problems).not.toContain('hunter2');
  });

  it('is seen to change when a symbolic link is swapped, as a mounted Secret does it', () => {
    const link = join(directory, 'current.pem');
    symlinkSync(now, link);
    const {files} = loadConfiguration({
      env: {...GUIDE, JWT_SIGNING_KEY: undefined, JWT_SIGNING_KEY_FILE: link},
      development: false,
      providerTypes: PROVIDER_TYPES,
      databaseUrlProblem: () => undefined,
    });
    expect(currentHash(files.paths)).toBe(files.hash);
    unlinkSync(link);
    expect(currentHash(files.paths)).not.toBe(files.hash);
    symlinkSync(file('another.pem', P256), link);
    expect(currentHash(files.paths)).not.toBe(files.hash);
  });
});

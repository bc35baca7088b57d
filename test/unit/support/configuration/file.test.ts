import {describe, expect, it} from 'vitest';
import {symlinkSync, unlinkSync} from 'node:fs';
import {join} from 'node:path';
import {PROVIDER_TYPES} from '../../../../src/server/providers/catalogue.ts';
import {loadConfiguration} from '../../../../src/support/configuration/load.ts';
import {currentHash} from '../../../../src/support/configuration/sources.ts';
import {GUIDE, RSA, P256, directory, file, load, problemsOf, without} from './guide.ts';

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
  - {name: staff, type: Keycloak, issuerUrl: https://id.example.com/realms/staff, clientIdFile: ${id}, clientSecretFile: ${secret}, allowedEmailDomains: [Example.com], callback: Own, rpInitiatedLogout: Disabled}
signingKeys:
  - {kid: 2026-11, algorithm: RS256, file: ${now}, use: sign}
  - {algorithm: RS256, file: ${before}, use: verify}
allowedHosts: [keycloak.idp.svc:8080]
`;

  it('gives several providers and keys', () => {
    const configuration = load(env(whole));
    expect(configuration.providers).toMatchObject([
      {
        name: 'google',
        issuer: 'https://accounts.google.com',
        clientId: 'abc',
        clientSecret: 'the secret',
        callback: 'Shared',
        rpInitiatedLogout: true,
      },
      {
        name: 'staff',
        type: 'keycloak',
        displayName: 'Keycloak',
        clientId: 'the id',
        allowedEmailDomains: ['example.com'],
        callback: 'Own',
        rpInitiatedLogout: false,
      },
    ]);
    expect(configuration.signingKeys.map((key) => [key.kid, key.privateKey !== undefined])).toEqual([
      ['2026-11', true],
      ['2026-10', false],
    ]);
    expect(configuration.allowedHosts).toEqual(['keycloak.idp.svc:8080']);
  });

  it('takes the list of keys from a file beside them', () => {
    const yaml = (keys: string) =>
      whole.replace(/signingKeys:[^]*(?=allowedHosts)/, `signingKeysFile: ${file('keys.json', keys)}\n`);
    const listed = (use: string) =>
      JSON.stringify({signingKeys: [{kid: 'a', algorithm: 'RS256', file: '2026-11.pem', use}]});
    expect(load(env(yaml(listed('sign')))).signingKeys).toMatchObject([{kid: 'a'}]);
    expect(() => load(env(yaml(listed('verify'))))).toThrow('one must have use: sign');
    expect(() => load(env(yaml('{"signingKeys": 3}')))).toThrow('signingKeysFile signingKeys');
    expect(() => load(env(`${whole}signingKeysFile: /x.json\n`))).toThrow('keep one of the two');
  });

  it('gives the branding of the pages', () => {
    const branding = {name: 'Example & Co', logoUrl: 'https://cdn.example.com/logo.svg', color: '#0f766e'};
    const yaml = `${whole}\nbranding: ${JSON.stringify(branding)}\n`;
    expect(load(env(yaml)).branding).toEqual(branding);
    expect(load(env(whole)).branding).toEqual({name: undefined, logoUrl: undefined, color: undefined});
  });

  it('lists previous issuers, as they are written and as earlier versions wrote them', () => {
    const yaml = `${whole}previousIssuers: [https://old.example.com/, https://API.example.com:443, http://a.svc:8080/x]\n`;
    // The issuer itself is not a previous one.
    expect(load(env(yaml)).tokens.previousIssuers).toEqual([
      'https://old.example.com/',
      'https://old.example.com',
      'https://API.example.com:443',
      'http://a.svc:8080/x',
    ]);
    const variable = {
      JWT_PREVIOUS_ISSUERS: 'https://a.example.com, https://b.example.com,https://a.example.com',
    };
    expect(load({...env(yaml), ...variable}).tokens.previousIssuers).toEqual([
      'https://a.example.com',
      'https://b.example.com',
    ]);
    expect(load(env(whole)).tokens.previousIssuers).toEqual([]);
    expect(problemsOf(env(`${whole}previousIssuers: [old.example.com]\n`)).join()).toContain(
      'AUTH_CONFIG_FILE previousIssuers[0]: must be an absolute URL',
    );
    expect(problemsOf({...env(whole), JWT_PREVIOUS_ISSUERS: 'old.example.com'}).join()).toContain(
      'JWT_PREVIOUS_ISSUERS: must be an absolute URL',
    );
  });

  it('is named where the value is of the file, and the variable where it is of the variable', () => {
    const {OAUTH_REDIRECT_URI: _, ...bare} = env(whole);
    const told = (text: string, variables: NodeJS.ProcessEnv = {}): readonly string[] =>
      problemsOf({...bare, AUTH_CONFIG_FILE: file('named.yaml', text), ...variables});
    const elsewhere = 'redirectUri: https://api.example.com/elsewhere\n';
    expect(told(whole + elsewhere)).toEqual([
      'AUTH_CONFIG_FILE redirectUri: must end in /auth/callback, where this server takes the answer',
    ]);
    expect(told(whole + elsewhere, {OAUTH_REDIRECT_URI: 'https://api.example.com/x'})).toEqual([
      'OAUTH_REDIRECT_URI: must end in /auth/callback, where this server takes the answer',
    ]);
    const redirect = 'redirectUri: http://api.example.com/auth/callback\n';
    const warned = (text: string): string => {
      const path = file('warned.yaml', text);
      return load({...bare, AUTH_CONFIG_FILE: path}).warnings.join('\n');
    };
    expect(warned(whole.replace('issuer: https', 'issuer: http') + redirect)).toMatch(
      /^AUTH_CONFIG_FILE redirectUri: is plain http.*\nAUTH_CONFIG_FILE issuer: is plain http/,
    );
    expect(
      warned(whole.replace('https://api.example.com', 'https://accounts.google.com') + redirect),
    ).toContain('AUTH_CONFIG_FILE issuer: is the issuer of the provider google');
    const key = (algorithm: string): string =>
      `${whole.replace(/signingKeys:[^]*/, '')}signingKeys: [{file: ${now}${algorithm}}]\n`;
    const redirected = {OAUTH_REDIRECT_URI: 'https://api.example.com/auth/callback', JWT_ALGORITHM: 'ES256'};
    expect(told(key(', algorithm: EdDSA'), redirected)).toEqual([
      'AUTH_CONFIG_FILE signingKeys[0]: is no Ed25519 key, which EdDSA needs (its algorithm)',
    ]);
    expect(told(key(''), redirected)).toEqual([
      'AUTH_CONFIG_FILE signingKeys[0]: is no P-256 key, which ES256 needs (JWT_ALGORITHM)',
    ]);
  });

  it.each([
    ['is not there', join(directory, 'nowhere.yaml'), 'AUTH_CONFIG_FILE: the file '],
    ['is not YAML', file('broken.yaml', 'a: [b'), 'AUTH_CONFIG_FILE: is not YAML'],
    ['has a problem', file('odd.yaml', 'redirect: x'), 'AUTH_CONFIG_FILE itself: has no setting "redirect"'],
  ])('that %s may hold what is missing elsewhere: only itself is told', (_what, path, problem) => {
    const problems = problemsOf({...base, AUTH_CONFIG_FILE: path});
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it('whose list of keys cannot be read says nothing of keys', () => {
    const text = `${whole.replace(/signingKeys:[^]*/, '')}signingKeysFile: ${join(directory, 'no-keys.yaml')}\n`;
    expect(problemsOf(env(text))).toEqual([
      expect.stringContaining('AUTH_CONFIG_FILE signingKeysFile: the file '),
    ]);
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
      "Azure's accounts of any tenant",
      `providers: [{name: a, type: azure, issuerUrl: https://login.microsoftonline.com/organizations/v2.0, clientId: b, clientSecretFile: ${secret}}]`,
      "providers[0].issuerUrl: must name one tenant by its directory's id",
    ],
    [
      'a rate limit of nothing',
      'rateLimits: {startPerMinute: 0}',
      'rateLimits.startPerMinute: must be at least 1',
    ],
    ['an unknown rate limit', 'rateLimits: {startPerHour: 5}', 'has no setting "startPerHour"'],
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
    ['a colour in words', 'branding: {color: teal}', 'branding.color: must be a colour such as "#2b5bd7"'],
    [
      'a logo on plain http',
      'branding: {logoUrl: "http://x.example.com/a.png"}',
      'branding.logoUrl: must be an https URL',
    ],
    [
      'a logo that is a document',
      'branding: {logoUrl: "data:text/html;base64,AAAA"}',
      'branding.logoUrl: must be an https URL',
    ],
    ['an empty name', 'branding: {name: ""}', 'branding.name: must not be empty'],
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

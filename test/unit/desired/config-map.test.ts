import {describe, expect, test} from 'vitest';
import {parse} from 'yaml';
import {configMap} from '../../../src/operator/desired/config-map.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec, fullSpec, provider} from '../../fixtures/specs.ts';

describe('the configuration', () => {
  const read = (spec: unknown) =>
    parse(configMap(instance(spec)).data['auth.yaml'] ?? '') as Record<string, unknown>;

  test('holds the branding where the spec has one, and nothing of it where not', () => {
    expect(read(fullSpec())['branding']).toEqual({
      name: 'Example Cloud',
      logoUrl: 'https://cdn.example.com/logo.svg?v=2',
      color: '#0F766E',
    });
    expect(read(developmentSpec())).not.toHaveProperty('branding');
  });

  test('holds the former public URLs, and nothing where none of them is another', () => {
    expect(read(fullSpec())['previousIssuers']).toEqual(['https://auth.example.com']);
    const {publicURL} = developmentSpec();
    for (const previousIssuers of [undefined, [], [publicURL]])
      expect(read(developmentSpec({previousIssuers}))).not.toHaveProperty('previousIssuers');
  });

  test('holds the limits that the spec sets, and no others', () => {
    expect(read(fullSpec())['rateLimits']).toEqual({startPerMinute: 200, failedLoginsPerHour: 10});
    for (const rateLimits of [undefined, {}, {policy: 'None'}])
      expect(read(developmentSpec({rateLimits}))).not.toHaveProperty('rateLimits');
  });

  test('names secrets by file, and allows the hosts that the issuers name', () => {
    const spec = developmentSpec({
      providers: [
        provider({
          issuerURL: 'http://keycloak.idp.svc:8080/realms/dev',
          scopes: ['openid'],
          allowedHosts: ['keycloak-keys.idp.svc'],
        }),
        {name: 'google', type: 'Google', clientCredentialsSecretRef: {name: 'google'}, callback: 'Own'},
      ],
    });
    expect(read(spec)).toEqual({
      providers: [
        {
          name: 'keycloak',
          type: 'keycloak',
          displayName: 'keycloak',
          issuerUrl: 'http://keycloak.idp.svc:8080/realms/dev',
          clientIdFile: '/etc/fraiseql-auth/providers/keycloak/client-id',
          clientSecretFile: '/etc/fraiseql-auth/providers/keycloak/client-secret',
          scopes: ['openid'],
        },
        {
          name: 'google',
          type: 'google',
          displayName: 'google',
          clientIdFile: '/etc/fraiseql-auth/providers/google/client-id',
          clientSecretFile: '/etc/fraiseql-auth/providers/google/client-secret',
          callback: 'Own',
        },
      ],
      signingKeysFile: '/etc/fraiseql-auth/keys/keys.json',
      allowedHosts: ['keycloak.idp.svc:8080', 'keycloak-keys.idp.svc'],
    });
  });

  test('says where GitHub is only for a server of its own, whose host it then allows', () => {
    const github = {name: 'github', type: 'GitHub', clientCredentialsSecretRef: {name: 'github'}};
    const at = (issuerURL?: string) =>
      read(developmentSpec({providers: [issuerURL === undefined ? github : {...github, issuerURL}]}));
    expect(at()).toMatchObject({providers: [{type: 'github'}]});
    expect(JSON.stringify(at())).not.toMatch(/issuerUrl|allowedHosts/);
    expect(at('https://github.example.com')).toMatchObject({
      providers: [{type: 'github', issuerUrl: 'https://github.example.com'}],
      allowedHosts: ['github.example.com:443'],
    });
  });

  test('says of RP-initiated logout only that it is off, as the server has it on', () => {
    const at = (rpInitiatedLogout: string) =>
      JSON.stringify(read(developmentSpec({providers: [provider({rpInitiatedLogout})]})));
    expect(at('Disabled')).toContain('"rpInitiatedLogout":"Disabled"');
    expect(at('Enabled')).toBe(JSON.stringify(read(developmentSpec({providers: [provider()]}))));
  });

  test('another content is another ConfigMap', () => {
    const name = (spec: unknown) => configMap(instance(spec)).metadata.name;
    expect(name(developmentSpec())).toBe(name(developmentSpec({replicas: 2})));
    expect(name(developmentSpec())).not.toBe(
      name(developmentSpec({providers: [provider({displayName: 'Staff'})]})),
    );
    expect(configMap(instance(developmentSpec()))['immutable']).toBe(true);
  });
});

import type {ProviderType} from '../../support/configuration/configuration.ts';

/** The kinds of identity providers. A new one is one entry here. */
export const PROVIDER_TYPES: readonly ProviderType[] = [
  {
    type: 'google',
    displayName: 'Google',
    prefix: 'GOOGLE',
    issuer: 'https://accounts.google.com',
    locations: [],
    scopes: ['openid', 'email', 'profile'],
  },
  {
    type: 'keycloak',
    displayName: 'Keycloak',
    prefix: 'KEYCLOAK',
    locations: [
      {
        variables: ['KEYCLOAK_URL', 'KEYCLOAK_REALM'],
        locate: (url = '', realm = '') => ({
          issuer: `${url.replace(/\/+$/, '')}/realms/${encodeURIComponent(realm)}`,
        }),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
  },
  {
    type: 'auth0',
    displayName: 'Auth0',
    prefix: 'AUTH0',
    // Auth0's issuer ends in a slash.
    locations: [
      {
        variables: ['AUTH0_DOMAIN'],
        locate: (domain = '') => ({
          issuer: `https://${domain.replace(/^https:\/\//, '').replace(/\/+$/, '')}/`,
        }),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
  },
  {
    type: 'oidc',
    displayName: 'OpenID Connect',
    prefix: 'OIDC',
    locations: [
      {variables: ['OIDC_ISSUER_URL'], locate: (issuer = '') => ({issuer})},
      {
        variables: ['OIDC_DISCOVERY_URL'],
        locate: (discoveryUrl = '') => ({
          issuer: discoveryUrl.replace(/\/\.well-known\/openid-configuration$/, ''),
          discoveryUrl,
        }),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
  },
];

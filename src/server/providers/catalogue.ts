import type {ProviderType} from '../../support/configuration/configuration.ts';
import {azureIssuerProblem, vouchedByAzure} from './azure.ts';
import {GitHub} from './github.ts';
import {OpenIdConnect} from './openid-connect.ts';
import type {Connect} from './protocol.ts';

interface CatalogueEntry extends ProviderType {
  /** How to speak to it; default: plain OpenID Connect. */
  readonly connect?: Connect;
}

/** The kinds of identity providers. A new one is one entry here. */
export const PROVIDER_TYPES: readonly CatalogueEntry[] = [
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
    type: 'okta',
    displayName: 'Okta',
    prefix: 'OKTA',
    // The organization's own authorization server, or the custom one that is named beside it.
    locations: [
      {
        variables: ['OKTA_DOMAIN'],
        locate: (domain = '') => ({issuer: oktaOrigin(domain)}),
      },
      {
        variables: ['OKTA_DOMAIN', 'OKTA_AUTHORIZATION_SERVER_ID'],
        locate: (domain = '', id = '') => ({
          issuer: `${oktaOrigin(domain)}/oauth2/${encodeURIComponent(id)}`,
        }),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
  },
  {
    type: 'azure',
    displayName: 'Microsoft',
    prefix: 'AZURE',
    locations: [
      {
        variables: ['AZURE_TENANT_ID'],
        locate: (tenant = '') => ({
          issuer: `https://login.microsoftonline.com/${encodeURIComponent(tenant)}/v2.0`,
        }),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
    issuerProblem: azureIssuerProblem,
    connect: (settings, context) => new OpenIdConnect(settings, context, {emailVerified: vouchedByAzure}),
  },
  {
    type: 'github',
    displayName: 'GitHub',
    prefix: 'GITHUB',
    issuer: 'https://github.com',
    locations: [],
    scopes: ['read:user', 'user:email'],
    connect: (settings, context) => new GitHub(settings, context),
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
      // An issuer that is public, with its metadata inside the cluster.
      {
        variables: ['OIDC_ISSUER_URL', 'OIDC_DISCOVERY_URL'],
        locate: (issuer = '', discoveryUrl = '') => ({issuer, discoveryUrl}),
      },
    ],
    scopes: ['openid', 'email', 'profile'],
  },
];

/** How to speak to a provider of that type. */
export function connectionFor(type: string): Connect {
  return (
    PROVIDER_TYPES.find((entry) => entry.type === type)?.connect ??
    ((settings, context) => new OpenIdConnect(settings, context))
  );
}

function oktaOrigin(domain: string): string {
  return `https://${domain.replace(/^https:\/\//, '').replace(/\/+$/, '')}`;
}

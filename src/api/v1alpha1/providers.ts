import {z} from 'zod';
import {HOST_AND_PORT, PLAIN_URL, keyedList, line, setOf} from './fields.ts';
import {celString, matches, withRules} from './rules.ts';
import {secretRef} from './secret-ref.ts';

/** The kinds of identity provider that the server knows. */
const PROVIDER_TYPES = ['Keycloak', 'Google', 'Auth0', 'Okta', 'Azure', 'GitHub', 'OIDC'] as const;

/** Where the types are that stand for one place in the Internet, when the spec does not say. */
export const WELL_KNOWN_ISSUERS: Readonly<Record<string, string>> = {
  Google: 'https://accounts.google.com',
  GitHub: 'https://github.com',
};

/** One tenant of Microsoft Entra ID. The server's catalogue of providers says why no other will do. */
const TENANT_ISSUER = /\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2[.]0$/;

const provider = withRules(
  z.object({
    name: withRules(z.string().max(40), [
      matches(
        /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
        "must start with a letter and hold only lower-case letters, digits and '-': for example keycloak",
      ),
    ]).meta({
      description:
        'The name by which clients choose it: `POST /auth/start {"provider": NAME}`. Do not change it later: sessions refer to it.',
    }),
    type: z.enum(PROVIDER_TYPES).meta({
      description:
        'The kind of provider. OIDC is any provider with OpenID Connect Discovery; Azure is Microsoft Entra ID.',
    }),
    displayName: line(64)
      .optional()
      .meta({description: 'The text on its sign-in button. Default: the name.'}),
    issuerURL: withRules(z.string().max(512), [
      matches(
        PLAIN_URL,
        'must be the issuer as the provider publishes it, without user, query or fragment: for example https://id.example.com/realms/staff',
      ),
    ])
      .optional()
      .meta({
        description:
          'The issuer: the URL below which /.well-known/openid-configuration is found. Needed for every type but Google and GitHub; with GitHub it is the address of a GitHub Enterprise Server. For this host, plain http and private addresses are allowed.',
      }),
    clientCredentialsSecretRef: secretRef('a Secret with the keys `client-id` and `client-secret`').meta({
      description: 'The client id and secret of this service at the provider.',
    }),
    scopes: setOf(
      withRules(z.string().max(128), [
        matches(
          /^[!#-[\]-~]+$/,
          'must be one scope, without spaces or quotes: write each as an item of its own',
        ),
      ]),
      20,
    )
      .optional()
      .meta({
        description:
          'The scopes that are requested. Default: openid, email and profile; for GitHub read:user and user:email.',
      }),
    allowedHosts: setOf(
      withRules(z.string().max(260), [
        matches(HOST_AND_PORT, 'must be a host, with a port where it has one: for example id.internal:8443'),
      ]),
      8,
    )
      .optional()
      .meta({
        description:
          "Further hosts for which plain http and private addresses are allowed. Needed where the provider's metadata names a host other than the issuer's, for its token endpoint or keys.",
      }),
    allowedEmailDomains: setOf(
      withRules(z.string().max(253), [
        matches(
          /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/,
          'must be a domain in lower case without @: for example example.com',
        ),
      ]),
      50,
    )
      .optional()
      .meta({
        description:
          'Only people with a verified e-mail address in one of these domains may log in. Default: everybody. Azure marks addresses as verified only where its optional claim xms_edov is enabled.',
      }),
    callback: z.enum(['Shared', 'Own']).optional().meta({
      description:
        'The redirect URI. Shared: `<publicURL>/auth/callback`. Own: `<publicURL>/auth/callback/<name>`, so that another provider cannot pass off answers of this one as its own, even where this one does not name itself in them (RFC 9207); register that address at the provider first. Default: Shared.',
    }),
    rpInitiatedLogout: z.enum(['Enabled', 'Disabled']).optional().meta({
      description:
        'Whether signing out in a browser also signs the person out at the provider (OpenID Connect RP-Initiated Logout). Register `<publicURL>/auth/signed-out` there as post-logout redirect URI. Default: Enabled; where the provider does not support it, like Google and GitHub, the page says that the person may still be signed in there.',
    }),
  }),
  [
    {
      rule: "self.type in ['Google', 'GitHub'] || has(self.issuerURL)",
      message:
        'issuerURL is needed for this type: write the issuer of the realm or tenant, for example https://id.example.com/realms/staff',
      messageExpression:
        "'issuerURL is needed for type ' + self.type + ': write the issuer of the realm or tenant, for example https://id.example.com/realms/staff'",
      fieldPath: '.issuerURL',
      holds: (each) => each.type in WELL_KNOWN_ISSUERS || each.issuerURL !== undefined,
      explain: (each) =>
        `issuerURL is needed for type ${each.type}: write the issuer of the realm or tenant, for example https://id.example.com/realms/staff`,
    },
    {
      rule: "self.type != 'Google' || !has(self.issuerURL)",
      message: `issuerURL cannot be set for type Google, whose issuer is always ${WELL_KNOWN_ISSUERS['Google']}: remove it, or use type OIDC`,
      fieldPath: '.issuerURL',
      holds: (each) => each.type !== 'Google' || each.issuerURL === undefined,
    },
    {
      rule: `self.type != 'Azure' || !has(self.issuerURL) || self.issuerURL.matches(${celString(TENANT_ISSUER.source)})`,
      message:
        "issuerURL of type Azure must name one tenant by its directory's id, a lower-case UUID, because common and organizations let in accounts of any tenant: https://login.microsoftonline.com/ID/v2.0",
      fieldPath: '.issuerURL',
      holds: (each) =>
        each.type !== 'Azure' || each.issuerURL === undefined || TENANT_ISSUER.test(each.issuerURL),
    },
    {
      rule: "self.type != 'GitHub' || !has(self.rpInitiatedLogout) || self.rpInitiatedLogout == 'Disabled'",
      message:
        'rpInitiatedLogout cannot be Enabled for type GitHub, which has no OpenID Connect: remove it, or write Disabled',
      fieldPath: '.rpInitiatedLogout',
      holds: (each) => each.type !== 'GitHub' || each.rpInitiatedLogout !== 'Enabled',
    },
    {
      rule: "self.type == 'GitHub' || !has(self.scopes) || self.scopes.exists(s, s == 'openid')",
      message: 'scopes must hold openid, without which the provider sends no ID token: add openid',
      fieldPath: '.scopes',
      holds: (each) => each.type === 'GitHub' || each.scopes === undefined || each.scopes.includes('openid'),
    },
  ],
);

export const providers = keyedList(provider, 'name', 16)
  .min(1)
  .meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    description: 'The identity providers with which people sign in: at least one.',
  });

import {z} from 'zod';
import {HOST_AND_PORT, PLAIN_URL, keyedList, line, setOf} from './fields.ts';
import {celString, matches, withRules} from './rules.ts';
import {secretRef} from './secretRef.ts';

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
        'How clients choose it: `POST /auth/start {"provider": NAME}`. Keep it: sessions remember it.',
    }),
    type: z.enum(PROVIDER_TYPES).meta({
      description:
        'What kind it is. OIDC stands for any provider that has OpenID Connect Discovery; Azure is Microsoft Entra ID.',
    }),
    displayName: line(64)
      .optional()
      .meta({description: 'What a person reads on the button. Default: the name.'}),
    issuerURL: withRules(z.string().max(512), [
      matches(
        PLAIN_URL,
        'must be the issuer as the provider publishes it, without user, query or fragment: for example https://id.example.com/realms/staff',
      ),
    ])
      .optional()
      .meta({
        description:
          'The issuer: the URL below which /.well-known/openid-configuration stands. Needed for every type but Google and GitHub; with GitHub it is the address of a GitHub Enterprise Server. An address on http, or a private one, is allowed for the host that stands here.',
      }),
    clientCredentialsSecretRef: secretRef('a Secret with the keys `client-id` and `client-secret`').meta({
      description: 'What this service is known by at the provider.',
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
          'What is asked of the provider. Default: openid, email and profile; of GitHub read:user and user:email.',
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
          "More hosts that may be on http or at a private address, where the provider's metadata names other ones than the issuer's for its token endpoint or keys.",
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
          'When given, only people whose verified e-mail is of one of these domains may log in. Azure says so only where its optional claim xms_edov is switched on.',
      }),
    callback: z.enum(['Shared', 'Own']).optional().meta({
      description:
        'Where it sends people back. Own: to `<publicURL>/auth/callback/<name>`, so that another provider beside it cannot pass answers of this one for its own, even where this one does not name itself in them (RFC 9207). Register that address there first. Default: Shared, `<publicURL>/auth/callback`.',
    }),
    rpInitiatedLogout: z.enum(['Enabled', 'Disabled']).optional().meta({
      description:
        'Whether someone who signs out in a browser goes on to the provider to sign out there as well (OpenID Connect RP-Initiated Logout), and then comes back. Register `<publicURL>/auth/signed-out` there as post-logout redirect URI. Default: Enabled; where the provider has no such address, as Google and GitHub, the page says that one may still be signed in there.',
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
    description: 'Who vouches for people: at least one identity provider. Several may stand side by side.',
  });

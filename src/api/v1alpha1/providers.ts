import {z} from 'zod';
import {HOST_AND_PORT, PLAIN_URL, keyedList, line, setOf} from './fields.ts';
import {matches, withRules} from './rules.ts';
import {secretRef} from './secretRef.ts';

/** The kinds of identity provider that the server knows. */
const PROVIDER_TYPES = ['Keycloak', 'Google', 'Auth0', 'OIDC'] as const;

/** The issuer of every Google account. */
export const GOOGLE_ISSUER = 'https://accounts.google.com';

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
      description: 'What kind it is. OIDC stands for any provider that has OpenID Connect Discovery.',
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
          'The issuer: the URL below which /.well-known/openid-configuration stands. Needed for every type but Google. An address on http, or a private one, is allowed for the host that stands here.',
      }),
    clientCredentialsSecretRef: secretRef('a Secret with the keys `client-id` and `client-secret`').meta({
      description: 'What this service is known by at the provider.',
    }),
    scopes: withRules(
      setOf(
        withRules(z.string().max(128), [
          matches(
            /^[!#-[\]-~]+$/,
            'must be one scope, without spaces or quotes: write each as an item of its own',
          ),
        ]),
        20,
      ),
      [
        {
          rule: "self.exists(s, s == 'openid')",
          message: 'must hold openid, without which the provider sends no ID token: add openid',
          holds: (scopes) => scopes.includes('openid'),
        },
      ],
    )
      .optional()
      .meta({description: 'What is asked of the provider. Default: openid, email and profile.'}),
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
        description: 'When given, only people whose verified e-mail is of one of these domains may log in.',
      }),
  }),
  [
    {
      rule: "self.type == 'Google' || has(self.issuerURL)",
      message:
        'issuerURL is needed for this type: write the issuer of the realm or tenant, for example https://id.example.com/realms/staff',
      messageExpression:
        "'issuerURL is needed for type ' + self.type + ': write the issuer of the realm or tenant, for example https://id.example.com/realms/staff'",
      fieldPath: '.issuerURL',
      holds: (each) => each.type === 'Google' || each.issuerURL !== undefined,
      explain: (each) =>
        `issuerURL is needed for type ${each.type}: write the issuer of the realm or tenant, for example https://id.example.com/realms/staff`,
    },
    {
      rule: "self.type != 'Google' || !has(self.issuerURL)",
      message: `issuerURL cannot be set for type Google, whose issuer is always ${GOOGLE_ISSUER}: remove it, or use type OIDC`,
      fieldPath: '.issuerURL',
      holds: (each) => each.type !== 'Google' || each.issuerURL === undefined,
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

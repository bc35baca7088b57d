/** A standard that the auth server is judged by. */
export interface Standard {
  /** How the names of its test files begin. */
  readonly prefix: string;
  /** How the titles of its tests begin. */
  readonly name: string;
  readonly title: string;
  readonly url: string;
}

const rfc = (number: number, title: string): Standard => ({
  prefix: `rfc-${number}`,
  name: `RFC ${number}`,
  title,
  url: `https://www.rfc-editor.org/rfc/rfc${number}`,
});

const openid = (prefix: string, name: string, page: string): Standard => ({
  prefix,
  name,
  title: '1.0',
  url: `https://openid.net/specs/${page}-1_0.html`,
});

/** In the order of the page. */
export const STANDARDS = [
  rfc(9700, 'Best Current Practice for OAuth 2.0 Security'),
  rfc(8725, 'JSON Web Token Best Current Practices'),
  rfc(9068, 'JWT Profile for OAuth 2.0 Access Tokens'),
  rfc(9207, 'OAuth 2.0 Authorization Server Issuer Identification'),
  rfc(7009, 'OAuth 2.0 Token Revocation'),
  rfc(7662, 'OAuth 2.0 Token Introspection'),
  rfc(8414, 'OAuth 2.0 Authorization Server Metadata'),
  openid('oidc-core', 'OpenID Connect Core', 'openid-connect-core'),
  openid('oidc-discovery', 'OpenID Connect Discovery', 'openid-connect-discovery'),
  openid('oidc-rp-logout', 'OpenID Connect RP-Initiated Logout', 'openid-connect-rpinitiated'),
  openid('oidc-backchannel', 'OpenID Connect Back-Channel Logout', 'openid-connect-backchannel'),
  {
    prefix: 'asvs',
    name: 'OWASP ASVS',
    title: '5.0.0, chapters 7 (sessions), 9 (self-contained tokens) and 10 (OAuth and OIDC)',
    url: 'https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en',
  },
] as const satisfies readonly Standard[];

export type StandardName = (typeof STANDARDS)[number]['name'];

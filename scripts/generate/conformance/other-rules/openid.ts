import {of, LOGIN, type OtherRule} from './rule.ts';

const core = of('OpenID Connect Core');
const discovery = of('OpenID Connect Discovery');
const rpLogout = of('OpenID Connect RP-Initiated Logout');
const backchannel = of('OpenID Connect Back-Channel Logout');

/** Of the standards of the OpenID Foundation. */
export const OPENID_RULES: readonly OtherRule[] = [
  core('3.1.3.7(1), 10.2', 'Encrypted ID tokens', {
    reason: 'Does not apply: the client registers none; a JWE is refused as no JWS',
  }),
  core('3.1.3.7(12)', 'acr is one that was asked for', {reason: 'Does not apply: none is asked for'}),
  core('3.1.3.7(13)', 'auth_time is not too long ago, where max_age was asked for', {
    reason: 'Does not apply: max_age is not asked for; how long a session lasts here is REFRESH_TOKEN_TTL',
  }),
  core('3.2, 3.3', 'Implicit and hybrid flow', {
    keptBy: [`${LOGIN}/rfc-9700-2.1.2-no-implicit.test.ts`],
    reason: 'Neither is used',
  }),
  core('12', 'Refresh tokens of the provider', {
    reason:
      'Does not apply: offline_access is not asked for, and what the provider gives beside the ID token is forgotten after the login',
  }),
  core('6', 'Request objects', {
    reason: 'Does not apply: where a provider takes pushed requests (RFC 9126), those are used',
  }),

  discovery('2', 'Finding the issuer by a user’s address (WebFinger)', {
    reason: 'Does not apply: the providers are configured',
  }),

  backchannel('2.1', 'The provider says in its metadata that it sends logout tokens', {
    reason:
      'Does not apply: that is for who registers the address; a good token is taken whether it was announced or not',
  }),
  backchannel('2.2', 'backchannel_logout_uri is registered at the provider', {
    reason: 'By the administrator: docs/server.md names the address',
  }),

  backchannel('3', 'How a provider remembers whom it has to tell', {
    reason: 'Does not apply: the server is no OpenID provider',
  }),

  rpLogout('2', 'ui_locales says which languages the person prefers', {
    reason: 'Does not apply: it is optional, and the provider has the browser’s own word for it',
  }),
  rpLogout('3.1', 'post_logout_redirect_uris are registered at the provider', {
    reason: 'By the administrator: docs/server.md names the address',
  }),
  rpLogout('4, 6', 'What a provider checks of a logout request, and asks the person', {
    reason: 'Does not apply: the server is no OpenID provider',
  }),
];

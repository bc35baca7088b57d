import {describe, expect, it} from 'vitest';
import {ConfigurationError} from '../../../src/support/configuration/problems.ts';
import {configurationFor} from '../../support/server/stack.ts';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Discovery 3: issuer and endpoints are https, the issuer without a query or a fragment', () => {
  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    '%s on plain http, on a host that is not allowed to, is not asked',
    async (name) => {
      const rp = await startRelyingParty();
      rp.op.metadata = {[name]: 'http://id.example.com/here'};
      const reason = await rp.breakage({claims: {email: undefined}});
      await rp.close();
      expect(reason).toMatch(/https/);
    },
  );

  it.each(['https://id.example.com?tenant=one', 'https://id.example.com#one', 'id.example.com'])(
    'the issuer %s stops the start, by the name of the variable',
    (issuer) => {
      const start = (): unknown => configurationFor('postgres://auth@localhost/auth', issuer);
      expect(start).toThrow(ConfigurationError);
      expect(start).toThrow(/OIDC_ISSUER_URL: must/);
    },
  );
});

import {describe, expect, it} from 'vitest';
import {CLIENT, startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Core 9: we authenticate at the token endpoint as the provider says, by Basic where it may be', () => {
  it.each<[string, string[] | undefined, boolean]>([
    ['nothing said', undefined, true],
    ['both offered', ['client_secret_post', 'client_secret_basic'], true],
    ['post alone', ['client_secret_post'], false],
  ])('%s', async (_name, methods, basic) => {
    const rp = await startRelyingParty();
    rp.op.metadata = {token_endpoint_auth_methods_supported: methods};
    await rp.login();
    const {headers, body} = rp.op.tokenRequest ?? {headers: {}, body: ''};
    const {clientSecret} = rp.op;
    await rp.close();
    const form = new URLSearchParams(body);
    expect([form.get('client_id'), form.get('client_secret')]).toEqual(
      basic ? [null, null] : [CLIENT, clientSecret],
    );
    const encoded = headers.authorization?.replace(/^Basic /, '') ?? '';
    const parts = Buffer.from(encoded, 'base64').toString().split(':');
    // Form-encoded, each part by itself (RFC 6749 2.3.1).
    const decoded = parts.map((part) => new URLSearchParams(`x=${part}`).get('x'));
    expect(decoded).toEqual(basic ? [CLIENT, clientSecret] : ['']);
  });
});

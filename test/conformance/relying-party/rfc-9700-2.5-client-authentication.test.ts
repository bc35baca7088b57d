import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 9700 2.5: the client proves itself at every token endpoint, and its secret goes nowhere else', () => {
  it.each<[string, readonly string[] | undefined, boolean]>([
    ['by Basic, where nothing else is said', undefined, true],
    ['by Basic, where there is a choice', ['client_secret_post', 'client_secret_basic'], true],
    ['by the form, where that alone is taken', ['client_secret_post'], false],
  ])('%s', async (_name, methods, basic) => {
    const rp = await startRelyingParty();
    rp.op.metadata = {token_endpoint_auth_methods_supported: methods};
    await rp.login({claims: {email: undefined}});
    await rp.close();
    const {headers, body, url} = rp.op.tokenRequest ?? {};
    const form = new URLSearchParams(body);
    expect([headers?.authorization?.startsWith('Basic '), form.has('client_secret')]).toEqual(
      basic ? [true, false] : [undefined, true],
    );
    expect(url).toBe('/token');
    const secret = rp.op.clientSecret;
    expect(rp.asked.href).not.toContain(encodeURIComponent(secret));
    expect(JSON.stringify(rp.op.userinfoRequest)).not.toContain(secret);
  });
});

import {afterEach, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
afterEach(() => rp.close());

/** Where a provider with that end_session_endpoint has the browser sent. */
async function logoutAt(endpoint: unknown): Promise<URL | string> {
  rp = await startRelyingParty();
  rp.op.metadata = {end_session_endpoint: endpoint};
  await rp.login();
  const answer = rp.logout({idToken: undefined, email: undefined, state: 'x'});
  return 'url' in answer ? answer.url : answer.why;
}

describe("OpenID Connect RP-Initiated Logout 2.1: the address is the end_session_endpoint of the provider's metadata", () => {
  it('which may have a port and a query of its own', async () => {
    const url = new URL(await logoutAt('https://id.example.com:8443/a/logout?tenant=a%26b'));
    expect(url.host + url.pathname).toBe('id.example.com:8443/a/logout');
    expect([url.searchParams.get('tenant'), url.searchParams.get('state')]).toEqual(['a&b', 'x']);
  });

  it.each([
    'http://id.example.com/logout',
    'javascript:alert(1)',
    'https://me:secret@id.example.com/',
    '/logout',
    '',
  ])('and is https: nobody is sent to %s, and logins go on', async (endpoint) => {
    expect(await logoutAt(endpoint)).toBe('unsupported');
  });

  it('and where there is none, the provider is not asked', async () => {
    expect(await logoutAt(undefined)).toBe('unsupported');
  });
});

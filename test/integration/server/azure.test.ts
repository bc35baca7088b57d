import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startLogin} from '../../support/login.ts';
import {startHostileProvider, type HostileProvider} from '../../support/server/hostile-provider.ts';
import {browserAt, CLIENT_SECRET, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

const TENANT = '/9b1f0c1e-0000-4000-8000-00000000000a/v2.0';
let stack: Stack;
let tenant: HostileProvider;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  tenant = await startHostileProvider('auth-server', CLIENT_SECRET, TENANT);
  const {configuration} = (await stack.server()).services;
  const providers = configuration.providers.map((settings) => ({
    ...settings,
    type: 'azure',
    issuer: tenant.issuer,
    allowedEmailDomains: ['example.com'],
  }));
  server = await stack.server({}, {configuration: {...configuration, providers}});
});
afterAll(async () => {
  await stack.close();
  await tenant.close();
});

async function loginWith(
  claims: Record<string, unknown>,
  parameters?: Record<string, string>,
): Promise<number> {
  tenant.answer = {claims: {email_verified: undefined, ...claims}};
  const browser = browserAt(() => server);
  const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
  return (await browser.visit(tenant.redirect(url, parameters))).status;
}

describe('a tenant of Microsoft Entra ID', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['vouches for an address by xms_edov', {xms_edov: true}, 200],
    ['may write it as "1"', {xms_edov: '1'}, 200],
    ['does not vouch without it', {}, 403],
    ['does not vouch where it is false', {xms_edov: false, email_verified: true}, 403],
    ['does not vouch where it is "0"', {xms_edov: '0'}, 403],
  ])('%s', async (_name, claims, status) => {
    expect(await loginWith(claims)).toBe(status);
  });

  it('is taken at its own issuer only, whatever tenant the token names', async () => {
    const other = tenant.issuer.replace('9b1f0c1e', '11111111');
    expect(await loginWith({xms_edov: true, iss: other, tid: '11111111-0000-4000-8000-00000000000a'})).toBe(
      401,
    );
  });

  it('may send a code of four thousand characters', async () => {
    // The code is unknown to the provider, which is after the length was taken: its answer has no nonce of ours.
    expect(await loginWith({xms_edov: true}, {code: 'x'.repeat(4096)})).toBe(401);
    expect(await loginWith({xms_edov: true}, {code: 'x'.repeat(4097)})).toBe(400);
  });
});

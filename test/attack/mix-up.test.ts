// A malicious provider beside an honest one (RFC 9700 4.4): it has people sign in at the honest one, and would get the code
// that they bring back. The honest one's token endpoint may refuse what it likes; the code must not reach the other's.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {startHostileProvider, type HostileProvider} from '../support/server/hostile-provider.ts';
import {begin, browserOf, CLIENT, HOME, someone, theWorld} from '../support/server/auth-server.ts';

const SECRET = 'a client secret that is long enough';
type Callback = 'Shared' | 'Own';

let honest: HostileProvider;
let evil: HostileProvider;
let directory: string;
const servers: RunningServer[] = [];
beforeAll(async () => {
  [honest, evil] = await Promise.all([
    startHostileProvider(CLIENT, SECRET),
    startHostileProvider(CLIENT, SECRET),
  ]);
  directory = await mkdtemp(join(tmpdir(), 'mix-up-'));
  await writeFile(join(directory, 'secret'), SECRET);
});
beforeEach(() => {
  honest.metadata = {};
  evil.metadata = {};
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop(0)));
  await Promise.all([honest.close(), evil.close(), rm(directory, {recursive: true})]);
});

/** A server with both. */
async function serverWith(callbacks: {honest: Callback; evil: Callback}): Promise<RunningServer> {
  const entry = (name: 'honest' | 'evil', {issuer}: HostileProvider): object => ({
    name,
    type: 'oidc',
    issuerUrl: issuer,
    clientId: CLIENT,
    clientSecretFile: join(directory, 'secret'),
    callback: callbacks[name],
  });
  const file = join(directory, `${servers.length}.yaml`);
  // YAML is a superset of JSON.
  await writeFile(file, JSON.stringify({providers: [entry('honest', honest), entry('evil', evil)]}));
  const world = await theWorld();
  const server = await world.servers.server({
    OAUTH_PROVIDER: undefined,
    OIDC_CLIENT_ID: undefined,
    OIDC_ISSUER_URL: undefined,
    OIDC_CLIENT_SECRET: undefined,
    AUTH_CONFIG_FILE: file,
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
  });
  servers.push(server);
  return server;
}

const REDIRECT: Record<Callback, (name: string) => string> = {
  Shared: () => `${HOME}/auth/callback`,
  Own: (name) => `${HOME}/auth/callback/${name}`,
};

/**
 * A login with the malicious provider, which sends the browser on to the honest one, with the redirect URI that is
 * registered there and with its own state; the honest one sends it back, with `parameters` of its own. The status, and
 * whose token endpoints were asked.
 */
async function mixUp(
  server: RunningServer,
  registered: string,
  parameters: Record<string, string> = {},
): Promise<[status: number, honest: boolean, evil: boolean]> {
  const browser = browserOf(server);
  const asked = await begin(browser, server, {provider: 'evil'});
  honest.requests.length = 0;
  evil.requests.length = 0;
  const onwards = new URL(asked);
  onwards.searchParams.set('redirect_uri', registered);
  const answer = await browser.visit(honest.redirect(onwards, parameters));
  expect(answer.body).not.toContain('access_token');
  return [answer.status, honest.requests.includes('/token'), evil.requests.includes('/token')];
}

describe('the code of the honest provider reaches no token endpoint', () => {
  it.each<[Callback, Callback]>([
    ['Shared', 'Shared'],
    ['Shared', 'Own'],
    ['Own', 'Shared'],
    ['Own', 'Own'],
  ])('where the honest one names itself (RFC 9207): its callback %s, the other %s', async (mine, theirs) => {
    const server = await serverWith({honest: mine, evil: theirs});
    const registered = REDIRECT[mine]('honest');
    expect(await mixUp(server, registered, {iss: honest.issuer})).toEqual([401, false, false]);
  });

  it.each<[Callback, Callback]>([
    ['Own', 'Shared'],
    ['Shared', 'Own'],
    ['Own', 'Own'],
  ])(
    'where it does not, and one has a redirect URI of its own: its %s, the other %s',
    async (mine, theirs) => {
      const server = await serverWith({honest: mine, evil: theirs});
      expect(await mixUp(server, REDIRECT[mine]('honest'))).toEqual([401, false, false]);
    },
  );

  it('nor where the malicious one says in its metadata that it names itself, or takes the name of the honest one', async () => {
    evil.metadata = {authorization_response_iss_parameter_supported: true};
    const server = await serverWith({honest: 'Shared', evil: 'Shared'});
    expect(await mixUp(server, REDIRECT.Shared('honest'))).toEqual([401, false, false]);
    evil.metadata = {issuer: honest.issuer};
    const impostor = await serverWith({honest: 'Shared', evil: 'Shared'});
    const browser = browserOf(impostor);
    const answer = await browser.visit(`${HOME}/auth/start?provider=evil`);
    expect(answer.status).toBe(502);
  });

  it("nor where its metadata names the honest one's sign-in page, which gets our redirect URI of the other", async () => {
    const server = await serverWith({honest: 'Own', evil: 'Own'});
    evil.metadata = {authorization_endpoint: `${honest.issuer}/authorize`};
    const other = await serverWith({honest: 'Own', evil: 'Own'});
    for (const each of [server, other]) {
      const asked = await begin(browserOf(each), each, {provider: 'evil'});
      // The honest one has not registered it, and shows its own error.
      expect(asked.searchParams.get('redirect_uri')).toBe(REDIRECT.Own('evil'));
    }
  });
});

describe('a callback is one of the provider that was begun with', () => {
  it('each login ends at its own', async () => {
    const server = await serverWith({honest: 'Own', evil: 'Shared'});
    for (const [name, op, path] of [
      ['honest', honest, '/auth/callback/honest'],
      ['evil', evil, '/auth/callback'],
    ] as const) {
      const browser = browserOf(server);
      const asked = await begin(browser, server, {provider: name});
      op.answer = {claims: {sub: someone()}};
      const back = op.redirect(asked);
      expect(back.pathname).toBe(path);
      expect((await browser.visit(back)).status).toBe(200);
      expect(new URLSearchParams(op.tokenRequest?.body).get('redirect_uri')).toBe(HOME + path);
    }
  });

  it.each(['/auth/callback', '/auth/callback/evil', '/auth/callback/nobody', '/auth/callback/HONEST'])(
    'an answer that comes to %s is refused, and the login is over',
    async (path) => {
      const server = await serverWith({honest: 'Own', evil: 'Own'});
      const browser = browserOf(server);
      const back = honest.redirect(await begin(browser, server, {provider: 'honest'}));
      const astray = new URL(path + back.search, back);
      honest.requests.length = 0;
      expect((await browser.visit(astray)).status).toBe(401);
      expect((await browser.visit(back)).status).toBe(400);
      expect(honest.requests).not.toContain('/token');
    },
  );
});

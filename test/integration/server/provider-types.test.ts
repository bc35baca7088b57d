// Each type of provider as the environment configures it, at a provider that stands where that type does: the path of a realm,
// of a tenant or of an authorization server, the slash at the end of Auth0's issuer. GitHub speaks no OpenID Connect and has
// its own file.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Answer as BrowserAnswer} from '../../support/browser.ts';
import type {Tokens} from '../../support/login.ts';
import {begin, browserOf, CLIENT, HOME, theWorld} from '../../support/server/auth-server.ts';
import {
  startHostileProvider,
  type Answer,
  type HostileProvider,
} from '../../support/server/hostile-provider.ts';
import {configurationFor} from '../../support/server/stack.ts';

const SECRET = 'a client secret that is long enough';
const TENANT = '9b1f0c1e-0000-4000-8000-00000000000a';

interface Kind {
  /** Its name in the tests, and as a provider here. */
  readonly name: string;
  readonly type: string;
  readonly env: Readonly<Record<string, string>>;
  /** The issuer that the environment must give, from its host on. */
  readonly path: string;
}

const KINDS: readonly Kind[] = [
  {name: 'google', type: 'google', env: {}, path: ''},
  {
    name: 'keycloak',
    type: 'keycloak',
    env: {KEYCLOAK_URL: 'https://id.example.com/auth/', KEYCLOAK_REALM: 'staff'},
    path: '/auth/realms/staff',
  },
  {name: 'auth0', type: 'auth0', env: {AUTH0_DOMAIN: 'acme.eu.auth0.com'}, path: '/'},
  {name: 'okta', type: 'okta', env: {OKTA_DOMAIN: 'acme.okta.com'}, path: ''},
  {
    name: 'okta-custom',
    type: 'okta',
    env: {OKTA_DOMAIN: 'acme.okta.com', OKTA_AUTHORIZATION_SERVER_ID: 'default'},
    path: '/oauth2/default',
  },
  {name: 'azure', type: 'azure', env: {AZURE_TENANT_ID: TENANT}, path: `/${TENANT}/v2.0`},
];

const ops = new Map<string, HostileProvider>();
let server: RunningServer;

beforeAll(async () => {
  const {servers, database} = await theWorld();
  const providers = await Promise.all(
    KINDS.map(async ({name, type, env, path}) => {
      const prefix = type.toUpperCase();
      const [settings] = configurationFor(database.url, '', {
        OAUTH_PROVIDER: type,
        [`${prefix}_CLIENT_ID`]: CLIENT,
        [`${prefix}_CLIENT_SECRET`]: SECRET,
        OIDC_ISSUER_URL: undefined,
        ...env,
      }).providers;
      if (!settings) throw new Error(`no provider ${type}`);
      const {origin} = new URL(settings.issuer);
      if (settings.issuer !== origin + path) throw new Error(`${name} is at ${settings.issuer}`);
      const slash = path === '/' ? '/' : '';
      const op = await startHostileProvider(CLIENT, SECRET, slash === '' ? path : '');
      // A provider whose issuer ends in a slash says so in its metadata and its tokens.
      if (slash !== '') op.metadata = {issuer: op.issuer + slash};
      ops.set(name, op);
      return {...settings, name, issuer: op.issuer + slash};
    }),
  );
  const configuration = configurationFor(database.url, 'https://id.example.com', {
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
  });
  server = await servers.server({}, {configuration: {...configuration, providers}});
});
afterAll(async () => {
  await server.stop(0);
  await Promise.all([...ops.values()].map((op) => op.close()));
});

/** What that type's provider calls itself. */
const issuerOf = ({name, path}: Kind): string => `${ops.get(name)?.issuer ?? ''}${path === '/' ? '/' : ''}`;

async function loginWith(
  kind: Kind,
  answer: Answer = {},
  parameters: Record<string, string> = {},
): Promise<BrowserAnswer> {
  const op = ops.get(kind.name);
  if (!op) throw new Error(`no provider ${kind.name}`);
  op.answer = {...answer, claims: {iss: issuerOf(kind), ...answer.claims}};
  const browser = browserOf(server);
  return browser.visit(op.redirect(await begin(browser, server, {provider: kind.name}), parameters));
}

describe.each(KINDS)('a provider of the type $type ($name)', (kind) => {
  it('logs people in, and is known by its own name', async () => {
    const answer = await loginWith(kind, {}, {iss: issuerOf(kind)});
    expect(answer.status).toBe(200);
    const {access_token: token} = JSON.parse(answer.body) as Tokens;
    const me = await fetch(`${server.url}/auth/me`, {headers: {authorization: `Bearer ${token}`}});
    expect(await me.json()).toMatchObject({provider: kind.name, email: 'someone@example.com'});
  });

  it('asks for userinfo only where the ID token has no address', async () => {
    const requests = ops.get(kind.name)?.requests ?? [];
    requests.length = 0;
    await loginWith(kind);
    expect(requests).not.toContain('/userinfo');
    const answer = await loginWith(kind, {claims: {email: undefined}, userinfo: {sub: 'user-1'}});
    expect([answer.status, requests.includes('/userinfo')]).toEqual([200, true]);
  });

  it.each<[string, (issuer: string) => Answer]>([
    ['another issuer', () => ({claims: {iss: 'https://evil.example.com'}})],
    [
      'its issuer with a slash more or less',
      (issuer) => ({claims: {iss: issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`}}),
    ],
    ['its issuer without the scheme', (issuer) => ({claims: {iss: issuer.replace(/^https?:\/\//, '')}})],
    ['another audience', () => ({claims: {aud: 'someone-else'}})],
    ['another nonce', () => ({claims: {nonce: 'other'}})],
    [
      'a signature that was changed',
      () => ({
        idToken: async (claims, {key}) => {
          const {SignJWT} = await import('jose');
          const token = await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key);
          return token.replace(/.{8}$/, 'AAAAAAAA');
        },
      }),
    ],
  ])('is refused with %s', async (_name, answer) => {
    expect((await loginWith(kind, answer(issuerOf(kind)))).status).toBe(401);
  });

  it('is not taken for another of them, whose iss comes with the code', async () => {
    const other = KINDS.find(({name}) => name !== kind.name);
    if (!other) throw new Error('there is but one');
    const requests = ops.get(kind.name)?.requests ?? [];
    requests.length = 0;
    expect((await loginWith(kind, {}, {iss: issuerOf(other)})).status).toBe(401);
    expect(requests).not.toContain('/token');
  });
});

it('one subject at several of them is as many users', async () => {
  const users = await Promise.all(
    KINDS.map(async (kind) => {
      const {access_token: token} = JSON.parse((await loginWith(kind)).body) as Tokens;
      return decodeJwt(token).sub;
    }),
  );
  expect(new Set(users).size).toBe(KINDS.length);
});

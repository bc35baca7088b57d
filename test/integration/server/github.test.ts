import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Answer as BrowserAnswer} from '../../support/browser.ts';
import {startLogin} from '../../support/login.ts';
import {startGitHub, type GitHubAccount, type GitHubServer} from './support/github.ts';
import {browserAt, CLIENT_SECRET, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let github: GitHubServer;
let server: RunningServer;

const OCTOCAT: GitHubAccount = {
  id: 583_231,
  login: 'octocat',
  name: 'The Octocat',
  emails: [
    {email: 'other@example.org', primary: false, verified: true},
    {email: 'octocat@example.com', primary: true, verified: true},
  ],
};

/** A server that knows GitHub alone, with these settings changed. */
async function serverWith(
  changes: {clientSecret?: string; allowedEmailDomains?: string[]; scopes?: string[]} = {},
): Promise<RunningServer> {
  const like = await stack.server();
  return stack.server(
    {},
    {
      configuration: {
        ...like.services.configuration,
        providers: [
          {
            name: 'github',
            type: 'github',
            displayName: 'GitHub',
            issuer: github.url,
            discoveryUrl: undefined,
            clientId: 'Iv1.0123456789abcdef',
            clientSecret: CLIENT_SECRET,
            scopes: ['read:user', 'user:email'],
            allowedEmailDomains: [],
            callback: 'Shared',
            rpInitiatedLogout: true,
            ...changes,
          },
        ],
      },
    },
  );
}

beforeAll(async () => {
  stack = await startStack();
  github = await startGitHub('Iv1.0123456789abcdef', CLIENT_SECRET);
  server = await serverWith();
});
afterAll(async () => {
  await stack.close();
  await github.close();
});
beforeEach(() => {
  github.broken = {};
});

interface Attempt {
  readonly at?: RunningServer;
  readonly account?: GitHubAccount;
  readonly parameters?: Record<string, string>;
}

async function loginAs({
  at = server,
  account = OCTOCAT,
  parameters = {},
}: Attempt = {}): Promise<BrowserAnswer> {
  const browser = browserAt(() => at);
  const callback = github.allow(await startLogin(browser, {baseUrl: PUBLIC_URL}), account);
  for (const [name, value] of Object.entries(parameters)) callback.searchParams.set(name, value);
  return browser.visit(callback);
}

async function me(answer: BrowserAnswer, at: RunningServer = server): Promise<Record<string, unknown>> {
  expect(answer.status).toBe(200);
  const {access_token: token} = JSON.parse(answer.body) as {access_token: string};
  const response = await fetch(`${at.url}/auth/me`, {headers: {authorization: `Bearer ${token}`}});
  return (await response.json()) as Record<string, unknown>;
}

const codeOf = (answer: BrowserAnswer): string =>
  (JSON.parse(answer.body) as {errors: {extensions: {code: string}}[]}).errors[0]?.extensions.code ?? '';

describe('a login with GitHub', () => {
  it('knows the person by the numeric id, and the verified primary address', async () => {
    const first = await me(await loginAs());
    expect(first).toMatchObject({provider: 'github', email: 'octocat@example.com', name: 'The Octocat'});
    // The login name went to somebody else, and this account has another.
    const renamed = await me(await loginAs({account: {...OCTOCAT, login: 'cat-octo'}}));
    expect(renamed['user_id']).toBe(first['user_id']);
    const successor = await me(await loginAs({account: {...OCTOCAT, id: 99, login: 'octocat'}}));
    expect(successor['user_id']).not.toBe(first['user_id']);
    // An id is GitHub's: an OpenID provider's subject of the same text is somebody else.
    expect(first['user_id']).not.toBe(String(OCTOCAT.id));
  });

  it('without a name shows the login name, and without a verified primary address none', async () => {
    const emails = [
      {email: 'new@example.com', primary: true, verified: false},
      {email: 'old@example.com', primary: false, verified: true},
    ];
    const shown = await me(await loginAs({account: {...OCTOCAT, name: null, emails}}));
    expect(shown['name']).toBe('octocat');
    expect(shown).not.toHaveProperty('email');
  });

  it('whose scopes have no addresses does without', async () => {
    const narrow = await serverWith({scopes: ['read:user']});
    expect(await me(await loginAs({at: narrow}), narrow)).not.toHaveProperty('email');
  });

  it("takes GitHub's own iss, and no other (RFC 9207 2.4)", async () => {
    expect((await loginAs({parameters: {iss: `${github.url}/login/oauth`}})).status).toBe(200);
    github.requests.length = 0;
    const answer = await loginAs({parameters: {iss: github.url}});
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
    expect(github.requests).not.toContain('POST /login/oauth/access_token');
  });

  it('with a code of another login is refused: the verifier does not fit (RFC 7636 4.6)', async () => {
    const stolen = github.allow(
      await startLogin(
        browserAt(() => server),
        {baseUrl: PUBLIC_URL},
      ),
      OCTOCAT,
    );
    const answer = await loginAs({parameters: {code: stolen.searchParams.get('code') ?? ''}});
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
  });

  it('that the person refused is a 401', async () => {
    const browser = browserAt(() => server);
    const callback = github.allow(await startLogin(browser, {baseUrl: PUBLIC_URL}), OCTOCAT);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'access_denied');
    const answer = await browser.visit(callback);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
  });

  it('counts for an allow-list only by its verified primary address', async () => {
    const strict = await serverWith({allowedEmailDomains: ['example.com']});
    expect((await loginAs({at: strict})).status).toBe(200);
    const outside = [{email: 'a@example.org', primary: true, verified: true}];
    expect((await loginAs({at: strict, account: {...OCTOCAT, emails: outside}})).status).toBe(403);
    const unproved = [
      {email: 'a@example.com', primary: true, verified: false},
      {email: 'b@example.com', primary: false, verified: true},
    ];
    expect((await loginAs({at: strict, account: {...OCTOCAT, emails: unproved}})).status).toBe(403);
  });
});

describe('GitHub in trouble', () => {
  it.each<[string, string, (response: Parameters<GitHubServer['broken'][string]>[0]) => void]>([
    [
      'a token endpoint of 500',
      '/login/oauth/access_token',
      (response) => void response.writeHead(500).end(),
    ],
    [
      'a page for a token',
      '/login/oauth/access_token',
      (response) => void response.end('<html>gho_planted</html>'),
    ],
    ['a user without an id', '/api/v3/user', (response) => void response.end('{"login":"octocat"}')],
    ['an id that is text', '/api/v3/user', (response) => void response.end('{"login":"a","id":"583231"}')],
    [
      'an id past what a number holds',
      '/api/v3/user',
      (response) => void response.end('{"login":"a","id":9007199254740993}'),
    ],
    ['addresses that are no list', '/api/v3/user/emails', (response) => void response.end('{}')],
    ['a broken connection', '/api/v3/user', (response) => void response.destroy()],
  ])('%s is a 502, and no part of it is told', async (_name, path, answer) => {
    github.broken = {[path]: answer};
    const refused = await loginAs();
    expect([refused.status, codeOf(refused)]).toEqual([502, 'oauth_error']);
    expect(stack.logs.join('\n')).not.toContain('gho_');
  });

  it('that refuses our client secret is told by health, until a login succeeds', async () => {
    const wrong = await serverWith({clientSecret: 'an old one'});
    const answer = await loginAs({at: wrong});
    expect([answer.status, codeOf(answer)]).toEqual([502, 'oauth_error']);
    const health = (await (await fetch(`${wrong.url}/health/auth`)).json()) as {oauth_provider: string};
    expect(health.oauth_provider).toBe('error');
  });
});

import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {
  browserAt,
  CLIENT_SECRET,
  configurationFor,
  PUBLIC_URL,
  startStack,
  type Stack,
} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
let directory: string;

const environment = async (branding: Record<string, string>): Promise<NodeJS.ProcessEnv> => {
  const [secret, file] = [join(directory, 'secret'), join(directory, 'auth.yaml')];
  await writeFile(secret, CLIENT_SECRET);
  const common = {
    type: 'oidc',
    issuerUrl: stack.provider.issuer,
    clientId: 'auth-server',
    clientSecretFile: secret,
  };
  const providers = [
    {name: 'staff', displayName: 'Example Staff', ...common},
    {name: 'partners', displayName: '<b>Partners', ...common},
  ];
  await writeFile(file, JSON.stringify({branding, providers}));
  const none = {OAUTH_PROVIDER: '', OIDC_ISSUER_URL: '', OIDC_CLIENT_ID: '', OIDC_CLIENT_SECRET: ''};
  return {...none, AUTH_CONFIG_FILE: file};
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pages-'));
  stack = await startStack();
  server = await stack.server(await environment({name: '"><script>x'}));
});
afterAll(async () => {
  await stack.close();
  await rm(directory, {recursive: true});
});

const look = (path: string): Promise<Response> =>
  fetch(server.url + path, {
    redirect: 'manual',
    headers: {accept: 'text/html,application/xhtml+xml,*/*;q=0.8'},
  });

const links = (page: string): string[] =>
  [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));

describe('the sign-in page', () => {
  it('offers each provider and keeps return_to', async () => {
    const answer = await look(
      `/auth/start?return_to=${encodeURIComponent('https://app.example.com/a?b=c&d=e#f')}`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]);
    const page = await answer.text();
    const targets = links(page).map((link) => new URL(link, server.url));
    expect(targets.map((url) => url.searchParams.get('provider'))).toEqual(['staff', 'partners']);
    expect(targets.map((url) => url.searchParams.get('return_to'))).toEqual([
      'https://app.example.com/a?b=c&d=e#f',
      'https://app.example.com/a?b=c&d=e#f',
    ]);
    expect(page).toContain('app.example.com</strong>');
    const next = await look((targets[0]?.pathname ?? '') + (targets[0]?.search ?? ''));
    expect(next.status).toBe(303);
    expect(next.headers.get('location')).toContain(stack.provider.issuer);
  });

  it('escapes every name', async () => {
    const page = await (await look('/auth/start')).text();
    expect(page).toContain('&lt;b&gt;Partners');
    expect(page).toContain('&quot;&gt;&lt;script&gt;x');
    expect(page).not.toMatch(/<script|<b>/);
  });

  it('is not shown for a return_to that is not allowed, however it is spelled', async () => {
    for (const text of [
      '//evil.example',
      String.raw`/\evil.example`,
      'https://app.example.com.evil.example',
    ]) {
      const answer = await look(`/auth/start?return_to=${encodeURIComponent(text)}`);
      expect(answer.status).toBe(400);
      expect(await answer.text()).not.toContain('evil.example');
    }
  });

  it('is for people: a program is told which providers there are', async () => {
    const answer = await fetch(`${server.url}/auth/start`, {redirect: 'manual'});
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('provider is needed: one of staff, partners');
  });

  it('takes over a changed brand without a restart', async () => {
    const configuration = configurationFor(
      stack.database.url,
      stack.provider.issuer,
      await environment({name: 'Renamed', color: '#b91c1c'}),
    );
    server.reconfigure(configuration);
    const page = await (await look('/auth/start')).text();
    expect(page).toContain('<title>Sign in · Renamed</title>');
    expect(page).toContain('--accent:#b91c1c');
  });
});

describe('the error page', () => {
  it('leads back to where the login would have led', async () => {
    const returnTo = 'https://app.example.com/inbox';
    const person = browserAt(() => server);
    const headers = {accept: 'text/html'};
    let answer = await person.visit(
      `${PUBLIC_URL}/auth/start?provider=staff&return_to=${encodeURIComponent(returnTo)}`,
    );
    while (answer.location) answer = await person.visit(answer.location);
    const [, cancel = ''] = /id="abort" href="([^"]+)"/.exec(answer.body) ?? [];
    answer = await person.visit(new URL(cancel, answer.url));
    while (answer.location) answer = await person.visit(answer.location, {headers});
    expect(answer.status).toBe(401);
    expect(answer.body).toContain('It was cancelled');
    expect(links(answer.body)).toContain(`/auth/start?return_to=${encodeURIComponent(returnTo)}`);
    expect(answer.body).toContain(answer.headers['x-request-id']);
  });
});

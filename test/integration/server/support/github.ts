// A server that answers as GitHub documents for OAuth apps and two addresses of its REST API:
// docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps, and docs.github.com/rest/users. It stands
// as a GitHub Enterprise Server does, with the API below /api/v3.
import {createHash, randomUUID} from 'node:crypto';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';

export interface GitHubAccount {
  readonly id: number;
  readonly login: string;
  readonly name?: string | null;
  readonly emails: readonly {email: string; primary: boolean; verified: boolean}[];
}

export interface GitHubServer {
  readonly url: string;
  readonly requests: string[];
  /** Replaces the answer of a path, as a broken server would. */
  broken: Record<string, (response: ServerResponse) => void>;
  /** What the person's browser is sent back with, who allowed what was asked. */
  allow(authorizationUrl: URL, account: GitHubAccount): URL;
  close(): Promise<void>;
}

interface Grant {
  readonly account: GitHubAccount;
  readonly scope: string;
  readonly redirectUri: string;
  readonly challenge: string;
}

export async function startGitHub(clientId: string, clientSecret: string): Promise<GitHubServer> {
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, Grant>();
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('GitHub:', error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const {pathname} = new URL(request.url ?? '/', url);
    github.requests.push(`${request.method} ${pathname}`);
    const broken = github.broken[pathname];
    if (broken) return broken(response);
    // Requests without a User-Agent are refused.
    if (!request.headers['user-agent']) return json(response, 403, {message: 'Request forbidden'});
    if (pathname === '/login/oauth/access_token' && request.method === 'POST')
      return token(request, response);
    if (!pathname.startsWith('/api/v3/')) return json(response, 404, {message: 'Not Found'});
    if (pathname === '/api/v3/rate_limit') return json(response, 200, {resources: {}});
    const grant = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (!grant) return json(response, 401, {message: 'Bad credentials'});
    const {id, login, name, emails} = grant.account;
    if (pathname === '/api/v3/user') return json(response, 200, {id, login, name: name ?? null, email: null});
    if (pathname === '/api/v3/user/emails')
      return grant.scope.split(' ').includes('user:email')
        ? json(response, 200, emails)
        : json(response, 404, {message: 'Not Found'});
    return json(response, 404, {message: 'Not Found'});
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    // A refusal has the status 200.
    const refuse = (error: string): void => json(response, 200, {error, error_description: 'see error_uri'});
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return refuse('incorrect_client_credentials');
    const grant = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!grant || grant.challenge !== challenge) return refuse('bad_verification_code');
    if (grant.redirectUri !== form.get('redirect_uri')) return refuse('redirect_uri_mismatch');
    const accessToken = `gho_${randomUUID().replaceAll('-', '')}`;
    tokens.set(accessToken, grant);
    return json(response, 200, {
      access_token: accessToken,
      scope: grant.scope.replaceAll(' ', ','),
      token_type: 'bearer',
    });
  }

  const github: GitHubServer = {
    url,
    requests: [],
    broken: {},
    allow(authorizationUrl, account) {
      const asked = authorizationUrl.searchParams;
      if (
        authorizationUrl.href.startsWith(`${url}/login/oauth/authorize?`) &&
        asked.get('client_id') === clientId
      ) {
        const code = randomUUID().slice(0, 20);
        const redirectUri = asked.get('redirect_uri') ?? '';
        codes.set(code, {
          account,
          redirectUri,
          scope: asked.get('scope') ?? '',
          challenge: asked.get('code_challenge_method') === 'S256' ? (asked.get('code_challenge') ?? '') : '',
        });
        const callback = new URL(redirectUri);
        callback.search = new URLSearchParams({code, state: asked.get('state') ?? ''}).toString();
        return callback;
      }
      throw new Error(`GitHub has no such page: ${authorizationUrl.href}`);
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
  return github;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
}

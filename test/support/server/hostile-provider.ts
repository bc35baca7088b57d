// An OpenID provider that says whatever a test wants: for the answers that an honest one never gives.
import {createHash, generateKeyPairSync, randomUUID, type KeyObject} from 'node:crypto';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {SignJWT, type JWTPayload} from 'jose';

export interface Answer {
  /** Changes the ID token's claims; a claim set to undefined is left out. */
  readonly claims?: Record<string, unknown>;
  /** Replaces the ID token. */
  readonly idToken?: (claims: JWTPayload, provider: HostileProvider) => Promise<string> | string;
  /** Replaces the token endpoint's answer. */
  readonly token?: (response: ServerResponse) => void;
  readonly userinfo?: Record<string, unknown>;
  /** Replaces the userinfo endpoint's answer. */
  readonly userinfoAnswer?: (response: ServerResponse) => void;
  /** Replaces the answer to a pushed authorization request. */
  readonly pushed?: (response: ServerResponse) => void;
}

export interface HostileProvider {
  readonly issuer: string;
  readonly clientSecret: string;
  readonly requests: string[];
  /** What the next logins are told. */
  answer: Answer;
  /** Changes the discovery document. */
  metadata: Record<string, unknown>;
  /** Replaces the answer with the discovery document. */
  discovery?: (response: ServerResponse) => void;
  /** The last requests to the endpoints for tokens, for userinfo and for pushed authorization requests (RFC 9126). */
  tokenRequest?: ProviderRequest;
  userinfoRequest?: ProviderRequest;
  pushedRequest?: ProviderRequest;
  /** What stands at the JWKS address, and with which status. */
  jwks: {keys: JsonKey[]};
  jwksStatus: number;
  readonly key: KeyObject;
  /** Publishes a new key and signs with it from now on. */
  rotate(kid: string): void;
  /** What the authorization endpoint would send back for that address: our callback with code and state. */
  redirect(authorizationUrl: URL, parameters?: Record<string, string>): URL;
  close(): Promise<void>;
}

type JsonKey = Record<string, unknown>;

interface ProviderRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Every provider's first: an RSA key takes longer to make than a login. */
const FIRST_KEY = newKey('one');

/** `path` stands after the issuer's origin, as a tenant's does. */
export async function startHostileProvider(
  clientId: string,
  clientSecret: string,
  path = '',
): Promise<HostileProvider> {
  const nonces = new Map<string, string>();
  const pushed = new Map<string, URLSearchParams>();
  let signing = FIRST_KEY;
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('hostile provider:', error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  const provider: HostileProvider = {
    issuer,
    clientSecret,
    requests: [],
    answer: {},
    metadata: {},
    jwks: {keys: [signing.jwk]},
    jwksStatus: 200,
    get key() {
      return signing.privateKey;
    },
    rotate(kid) {
      signing = newKey(kid);
      provider.jwks = {keys: [signing.jwk]};
    },
    redirect(authorizationUrl, parameters = {}) {
      const given = authorizationUrl.searchParams;
      const asked = pushed.get(given.get('request_uri') ?? '') ?? given;
      const code = randomUUID();
      nonces.set(code, asked.get('nonce') ?? '');
      const callback = new URL(asked.get('redirect_uri') ?? '');
      callback.search = new URLSearchParams({
        code,
        state: asked.get('state') ?? '',
        ...parameters,
      }).toString();
      return callback;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pathname = new URL(request.url ?? '/', issuer).pathname.slice(path.length);
    provider.requests.push(pathname);
    if (pathname === '/.well-known/openid-configuration' && provider.discovery)
      return provider.discovery(response);
    if (pathname === '/.well-known/openid-configuration') return json(response, 200, discovery());
    if (pathname === '/jwks') return json(response, provider.jwksStatus, provider.jwks);
    if (pathname === '/userinfo') {
      provider.userinfoRequest = await recorded(request);
      if (provider.answer.userinfoAnswer) return provider.answer.userinfoAnswer(response);
      return json(response, 200, provider.answer.userinfo ?? {sub: 'user-1'});
    }
    if (pathname === '/par') {
      provider.pushedRequest = await recorded(request);
      if (provider.answer.pushed) return provider.answer.pushed(response);
      const uri = `urn:ietf:params:oauth:request_uri:${randomUUID()}`;
      pushed.set(uri, new URLSearchParams(provider.pushedRequest.body));
      return json(response, 201, {request_uri: uri, expires_in: 60});
    }
    if (pathname !== '/token') return json(response, 404, {});
    provider.tokenRequest = await recorded(request);
    if (provider.answer.token) return provider.answer.token(response);
    const accessToken = randomUUID();
    const now = Math.floor(Date.now() / 1000);
    const form = new URLSearchParams(provider.tokenRequest.body);
    const claims: JWTPayload = {
      iss: issuer,
      sub: 'user-1',
      aud: clientId,
      iat: now,
      exp: now + 300,
      nonce: nonces.get(form.get('code') ?? ''),
      email: 'someone@example.com',
      email_verified: true,
      at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
      ...provider.answer.claims,
    };
    const idToken = provider.answer.idToken
      ? await provider.answer.idToken(claims, provider)
      : await new SignJWT(claims)
          .setProtectedHeader({alg: 'RS256', kid: signing.kid})
          .sign(signing.privateKey);
    return json(response, 200, {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 300,
      ...(idToken === '' ? {} : {id_token: idToken}),
    });
  }

  function discovery(): Record<string, unknown> {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'none'],
      ...provider.metadata,
    };
  }
  return provider;
}

function newKey(kid: string): {kid: string; privateKey: KeyObject; jwk: JsonKey} {
  const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  return {kid, privateKey, jwk: {...publicKey.export({format: 'jwk'}), kid, use: 'sig', alg: 'RS256'}};
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
}

async function recorded(request: IncomingMessage): Promise<ProviderRequest> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const {method, url, headers} = request;
  return {method, url, headers, body};
}

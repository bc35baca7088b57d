import {createHash} from 'node:crypto';
import {z} from 'zod';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import {answeredWith, ClientRefusedError, printable, ProviderStatusError} from './failures.ts';
import {
  readableClaim,
  type AuthorizationRequest,
  type Protocol,
  type ProtocolContext,
  type ProvenIdentity,
} from './protocol.ts';

const tokenAnswer = z.union([
  z.object({access_token: z.string().regex(/^[\x21-\x7e]{1,1024}$/)}),
  z.object({error: z.string()}),
]);
const userAnswer = z.object({id: z.int().positive(), login: z.string(), name: z.string().nullish()});
const emailsAnswer = z.array(z.object({email: z.string(), primary: z.boolean(), verified: z.boolean()}));

/**
 * Logins with GitHub or a GitHub Enterprise Server: plain OAuth 2, without an ID token. The subject is the account's
 * numeric id, because a login name can be given up and taken by another; the e-mail address is the primary one, and
 * counts only where GitHub has verified it.
 */
export class GitHub implements Protocol {
  readonly #settings: ProviderSettings;
  readonly #context: ProtocolContext;
  readonly #site: string;
  readonly #api: string;

  constructor(settings: ProviderSettings, context: ProtocolContext) {
    this.#settings = settings;
    this.#context = context;
    this.#site = settings.issuer.replace(/\/+$/, '');
    this.#api = this.#site === 'https://github.com' ? 'https://api.github.com' : `${this.#site}/api/v3`;
  }

  /** This address does not count against the limit of requests without a login; on some servers it is a 404. */
  async probe(): Promise<void> {
    const response = await this.#context.fetch(`${this.#api}/rate_limit`, {headers: HEADERS});
    if (response.status >= 500) throw new ProviderStatusError("GitHub's API", response.status);
  }

  async prepare(): Promise<void> {
    // There is nothing to discover: the addresses are documented.
  }

  async authorizationUrl(request: AuthorizationRequest): Promise<URL> {
    const url = new URL(`${this.#site}/login/oauth/authorize`);
    url.search = new URLSearchParams({
      client_id: this.#settings.clientId,
      redirect_uri: this.#context.redirectUri,
      response_type: 'code',
      scope: this.#settings.scopes.join(' '),
      state: request.state,
      code_challenge: createHash('sha256').update(request.verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString();
    return url;
  }

  /** GitHub sends `iss` at times, with the issuer of its metadata: not all servers do, so none is no mistake. */
  checkIssuer(iss: string | undefined): void {
    if (iss !== undefined && iss !== `${this.#site}/login/oauth`)
      throw new AuthError('oauth_error', 'the answer is of another issuer than the one asked');
  }

  async exchange(callback: URL, request: AuthorizationRequest): Promise<ProvenIdentity> {
    const error = callback.searchParams.get('error');
    if (error !== null) throw answeredWith(error);
    const token = await this.#token(callback.searchParams.get('code') ?? '', request.verifier);
    const user = await this.#ask('/user', token, userAnswer);
    const email = await this.#email(token);
    return {
      provider: this.#settings.name,
      issuer: this.#site,
      subject: String(user.id),
      email: readableClaim(email),
      name: readableClaim(user.name ?? user.login),
      claims: {sub: String(user.id), email, email_verified: email !== undefined},
    };
  }

  async #token(code: string, verifier: string): Promise<string> {
    const response = await this.#context.fetch(`${this.#site}/login/oauth/access_token`, {
      method: 'POST',
      headers: {...HEADERS, 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json'},
      body: new URLSearchParams({
        client_id: this.#settings.clientId,
        client_secret: this.#settings.clientSecret ?? '',
        code,
        code_verifier: verifier,
        redirect_uri: this.#context.redirectUri,
      }),
    });
    if (response.status !== 200) throw new ProviderStatusError("GitHub's token endpoint", response.status);
    // A refusal comes with the status 200.
    const answer = await read(response, tokenAnswer, "GitHub's token endpoint");
    if ('access_token' in answer) return answer.access_token;
    const reason = `the token endpoint answered with the error ${printable(answer.error)}`;
    if (answer.error === 'incorrect_client_credentials' || answer.error === 'redirect_uri_mismatch')
      throw new ClientRefusedError(reason);
    throw new AuthError('oauth_error', reason);
  }

  /** The verified primary address; undefined where there is none, or the user did not let us see it. */
  async #email(token: string): Promise<string | undefined> {
    if (!this.#settings.scopes.some((scope) => scope === 'user' || scope === 'user:email')) return undefined;
    const addresses = await this.#ask('/user/emails?per_page=100', token, emailsAnswer);
    return addresses.find((address) => address.primary && address.verified)?.email;
  }

  async #ask<T extends z.ZodType>(path: string, token: string, shape: T): Promise<z.output<T>> {
    const response = await this.#context.fetch(this.#api + path, {
      headers: {...HEADERS, authorization: `Bearer ${token}`},
    });
    if (response.status !== 200) throw new ProviderStatusError(`GitHub's ${path}`, response.status);
    return read(response, shape, `GitHub's ${path}`);
  }
}

/** GitHub refuses requests without a User-Agent. */
const HEADERS = {
  accept: 'application/vnd.github+json',
  'user-agent': 'fraiseql-auth',
  'x-github-api-version': '2022-11-28',
};

async function read<T extends z.ZodType>(response: Response, shape: T, who: string): Promise<z.output<T>> {
  const result = shape.safeParse(parsed(await response.text()));
  if (result.success) return result.data;
  // What it was instead may hold a token, and is not told.
  throw new Error(`${who} answered in another shape than documented`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

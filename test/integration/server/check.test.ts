import {mkdtempSync} from 'node:fs';
import {readFile, rm} from 'node:fs/promises';
import type {ServerResponse} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {check} from '../../../src/server/check/check.ts';
import {check as command} from '../../../src/server/check/command.ts';
import {refusalIn} from '../../../src/server/check/providers.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {parseOutcome} from '../../../src/support/outcome.ts';
import {selfSigned} from '../../support/certificate.ts';
import {startHostileProvider, type HostileProvider} from '../../support/server/hostile-provider.ts';
import {CLIENT_SECRET, configurationFor, startStack, type Stack} from '../../support/server/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'check-'));
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.close();
  await rm(directory, {recursive: true});
});

const NOWHERE = 'postgres://u:p@127.0.0.1:1/none';
const checked = (env: NodeJS.ProcessEnv = {}, issuer = stack.provider.issuer) =>
  check(
    configurationFor(stack.database.url, issuer, env),
    createLogger({component: 'check', level: 'silent'}),
  );

describe('fraiseql-auth check', () => {
  it('finds nothing wrong with what would serve, be the database there or not', async () => {
    const found = {issuer: 'http://localhost:18000', providers: ['oidc']};
    expect(await checked()).toMatchObject(found);
    expect(await checked({DATABASE_URL: NOWHERE, JWT_ALGORITHM: 'RS256'})).toMatchObject(found);
    // Whatever name and issuer its certificate has: this process asks itself.
    const {certPath, keyPath} = selfSigned(directory, 'auth.test');
    expect(await checked({TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath})).toMatchObject(found);
  });

  it.each([
    [
      'a client id that it does not know',
      {OIDC_CLIENT_ID: 'somebody-else'},
      /refuses the client id or secret/,
    ],
    ['a client secret that is not ours', {OIDC_CLIENT_SECRET: 'wrong'}, /refuses the client id or secret/],
    [
      'a redirect URI that is not registered',
      {OAUTH_REDIRECT_URI: 'http://localhost:1/auth/callback'},
      /fails the authorization request: invalid_request/,
    ],
  ])('says that the provider refuses %s', async (_what, env, why) => {
    await expect(checked(env)).rejects.toMatchObject({
      reason: 'ProviderInvalid',
      message: expect.stringMatching(why),
      hint: expect.stringContaining('/auth/callback is registered'),
      detail: {providers: ['oidc']},
    });
  });

  it('tells a provider that is away from one that refuses', async () => {
    await expect(checked({}, 'http://127.0.0.1:1')).rejects.toMatchObject({
      reason: 'ProviderUnreachable',
      detail: {providers: ['oidc']},
    });
    await expect(checked({}, `${stack.provider.issuer}/no/such/issuer`)).rejects.toMatchObject({
      reason: 'ProviderInvalid',
    });
  });

  describe('a token endpoint', () => {
    let op: HostileProvider;
    beforeEach(async () => {
      op = await startHostileProvider('auth-server', CLIENT_SECRET);
      // Any page that answers: what is tried here comes after the authorization request.
      op.metadata = {authorization_endpoint: `${op.issuer}/jwks`};
    });
    afterEach(() => op.close());

    it.each<[string, RegExp, (response: ServerResponse) => void]>([
      ['answers 503', /answers the token request with 503/, (response) => void response.writeHead(503).end()],
      ['resets', /does not answer the token request: /, (response) => void response.destroy()],
    ])('that %s is away, and so are logins', async (_what, why, token) => {
      op.answer = {token};
      await expect(checked({}, op.issuer)).rejects.toMatchObject({
        reason: 'ProviderUnreachable',
        message: expect.stringMatching(why),
        detail: {providers: ['oidc']},
      });
    });

    it('that we must not ask is refused', async () => {
      op.metadata = {...op.metadata, token_endpoint: 'https://10.0.0.1/token'};
      await expect(checked({}, op.issuer)).rejects.toMatchObject({
        reason: 'ProviderInvalid',
        message: expect.stringContaining('fails the token request: '),
      });
    });

    it.each([
      ['refuses the code', 400, '{"error":"invalid_grant"}'],
      ['has been asked too often', 429, ''],
    ])('that %s holds no roll-out up', async (_what, status, body) => {
      op.answer = {
        token: (response) => void response.writeHead(status, {'content-type': 'application/json'}).end(body),
      };
      expect(await checked({}, op.issuer)).toMatchObject({providers: ['oidc']});
      expect(op.requests).toContain('/token');
    });
  });

  it('as a Job tells its outcome with every setting that is wrong, and no secret', async () => {
    const file = join(tmpdir(), `check-outcome-${process.pid}`);
    const before = {...process.env};
    Object.assign(process.env, {
      TERMINATION_LOG: file,
      LOG_LEVEL: 'silent',
      DATABASE_URL: 'mysql://user:hunter2@host/db',
      PORT: 'x',
    });
    try {
      expect(await command()).toBe(1);
      const text = await readFile(file, 'utf8');
      expect(text).not.toContain('hunter2');
      expect(parseOutcome(text)).toMatchObject({
        ok: false,
        kind: 'check',
        reason: 'ConfigurationInvalid',
        message: expect.stringMatching(/PORT: .*; DATABASE_URL: .*; OAUTH_PROVIDER: /),
      });
    } finally {
      process.env = before;
      await rm(file, {force: true});
    }
  });
});

describe("a provider's first answer", () => {
  const asked = new URL('https://id.example.com/authorize?client_id=a');
  const ours = 'https://auth.example.com/auth/callback';
  const answer = (status: number, location?: string) =>
    refusalIn(new Response(null, {status, ...(location && {headers: {location}})}), asked, ours);

  it.each([
    ['a page to sign in', answer(200)],
    ['its own sign-in elsewhere', answer(302, '/login?return_to=%2Fauthorize')],
    ['what a proxy in front says to robots', answer(403)],
    ['a code at once', answer(302, `${ours}?code=x&state=y`)],
  ])('%s is no refusal', (_what, found) => expect(found).toBeUndefined());

  it.each([
    ['a page that says so', answer(400), 'it answers 400'],
    ['an error for us', answer(302, `${ours}?error=unauthorized_client`), 'unauthorized_client'],
    [
      'an error page of its own',
      answer(302, 'https://id.example.com/signin/oauth/error?authError=x'),
      'it leads to id.example.com/signin/oauth/error',
    ],
  ])('%s is one', (_what, found, why) => expect(found).toBe(why));
});

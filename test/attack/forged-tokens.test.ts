// Tokens that nobody gave out: access tokens to us, and ID tokens and logout tokens as if from a provider, with keys that
// the attacker chose: in the header, behind an address in it, or by another use of the public one.
import {createPublicKey, createSecretKey, generateKeyPairSync, sign} from 'node:crypto';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {exportJWK, SignJWT, type JWTPayload} from 'jose';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {forgedTokens} from '../../src/attack/tokens.ts';
import {Trial} from '../../src/attack/trial.ts';
import type {RunningServer} from '../../src/server/server.ts';
import {authServer, CLIENT, someone, statusOf, theWorld, visit} from '../support/server/auth-server.ts';
import {assemble, goodToken} from '../support/server/access-token.ts';
import {claims as logoutClaims, send, upstream} from '../support/server/backchannel.ts';
import {targetOf} from './support/attacked.ts';

const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});

/** The attacker's keys, where headers lead; nobody comes for them. */
let keys: Server;
let url: string;
let fetched = 0;
beforeAll(async () => {
  const jwk = {...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256'};
  keys = createServer((_request, response) => {
    fetched++;
    response.end(JSON.stringify({keys: [jwk]}));
  });
  await new Promise<void>((resolve) => {
    keys.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys`;
});
beforeEach(() => {
  fetched = 0;
});
afterAll(() => keys.close());

interface Published {
  /** The type that such a token has, so that this is not what it is refused for. */
  readonly typ: string;
  readonly kid: string;
  /** What the issuer publishes. */
  readonly pem: string;
  readonly jwk: object;
  /** The client secret, where there is one. */
  readonly secret: string;
}

type Header = Record<string, unknown>;
type Forger = (claims: object, published: Published) => Promise<string> | string;

/** Signed with a key of the attacker's; jose would refuse half of these headers. */
const withOwnKey =
  (header: (published: Published) => Promise<Header> | Header): Forger =>
  async (claims, published) => {
    const unsigned = assemble(
      {alg: 'RS256', typ: published.typ, kid: published.kid, ...(await header(published))},
      claims,
    ).slice(0, -1);
    return `${unsigned}.${sign('sha256', Buffer.from(unsigned), privateKey).toString('base64url')}`;
  };

const shared =
  (alg: string, secret: (published: Published) => string): Forger =>
  (claims, published) =>
    new SignJWT(claims as JWTPayload)
      .setProtectedHeader({alg, kid: published.kid, typ: published.typ})
      .sign(createSecretKey(Buffer.from(secret(published).padEnd(64, ' '))));

const FORGERIES: [string, Forger][] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map((alg): [string, Forger] => [
    `alg ${JSON.stringify(alg)}`,
    (claims, {kid, typ}) => assemble({alg, kid, typ}, claims),
  ]),
  ['alg none with a signature', (claims, {kid, typ}) => assemble({alg: 'none', kid, typ}, claims, 'AAAA')],
  ['no alg', (claims, {kid, typ}) => assemble({kid, typ}, claims, 'AAAA')],
  ['alg as a list', (claims, {kid, typ}) => assemble({alg: ['none', 'RS256'], kid, typ}, claims, 'AAAA')],
  ['HS256 with the public key', shared('HS256', ({pem}) => pem)],
  ['HS256 with the published JWK', shared('HS256', ({jwk}) => JSON.stringify(jwk))],
  ['HS512 with the public key', shared('HS512', ({pem}) => pem)],
  ['HS256 with the client secret', shared('HS256', ({secret}) => secret)],
  ['HS256 with nothing', shared('HS256', () => '')],
  ['the kid of the issuer, the key of the attacker', withOwnKey(() => ({}))],
  ['no kid', withOwnKey(() => ({kid: undefined}))],
  ['a kid as a path', withOwnKey(() => ({kid: '../../../../../../dev/null'}))],
  ['a kid as SQL', withOwnKey(() => ({kid: "x' UNION SELECT 'key' --"}))],
  ['a kid as a command', withOwnKey(() => ({kid: '| curl evil.example'}))],
  ['a kid as __proto__', withOwnKey(() => ({kid: '__proto__'}))],
  ['a kid as an address', withOwnKey(() => ({kid: url}))],
  ['a kid that is no text', withOwnKey(() => ({kid: {toString: 'one'}}))],
  ['jku', withOwnKey(() => ({jku: url}))],
  ['x5u', withOwnKey(() => ({x5u: url}))],
  ['jwk', withOwnKey(async () => ({jwk: await exportJWK(publicKey)}))],
  [
    'jwk, and its own kid',
    withOwnKey(async () => ({kid: 'mine', jwk: {...(await exportJWK(publicKey)), kid: 'mine'}})),
  ],
  ['x5c', withOwnKey(() => ({x5c: ['MIIB']}))],
  ['crit of what is there', withOwnKey(() => ({crit: ['exp'], exp: 1}))],
  ['crit of nothing', withOwnKey(() => ({crit: []}))],
  ['b64 false', withOwnKey(() => ({b64: false, crit: ['b64']}))],
  ['a JWE', () => `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}..AAAA.AAAA.AAAA`],
  [
    'a header that is twice the same name',
    (claims, {kid}) =>
      assemble({kid}, claims, 'AAAA').replace(
        /^[^.]+/,
        Buffer.from(`{"alg":"RS256","alg":"none","kid":"${kid}"}`).toString('base64url'),
      ),
  ],
  ['a header that is a list', (claims) => assemble([], claims, 'AAAA')],
];

const pemOf = (key: Parameters<typeof createPublicKey>[0]): string =>
  String(createPublicKey(key).export({type: 'spki', format: 'pem'}));

describe('an access token', () => {
  let good: Awaited<ReturnType<typeof goodToken>>;
  let published: Published;
  beforeAll(async () => {
    good = await goodToken();
    const set = JSON.parse(good.server.services.tokens.keys.published) as {
      keys: [{kid: string; kty: string; n: string; e: string}];
    };
    const [jwk] = set.keys;
    published = {typ: 'at+jwt', kid: jwk.kid, jwk, pem: pemOf({key: jwk, format: 'jwk'}), secret: 'x'};
  });

  it.each(FORGERIES)('with %s opens nothing', async (_name, forge) => {
    const token = await forge({...good.claims}, published);
    for (const path of ['/auth/verify', '/auth/me', '/auth/sessions'])
      expect(await statusOf(good.server, token, path)).toBe(401);
    expect(fetched).toBe(0);
  });

  it('nor does one of those that fraiseql-auth attack makes', async () => {
    const trial = new Trial();
    await forgedTokens.run(targetOf(good.server), trial);
    expect(trial.failures).toEqual([]);
    expect(trial.tried).toBeGreaterThan(40);
    expect(await statusOf(good.server, good.token)).toBe(200);
  });
});

describe('from the provider', () => {
  let server: RunningServer;
  let published: Published;
  beforeAll(async () => {
    server = await authServer();
    const {op} = await theWorld();
    published = {
      typ: 'JWT',
      kid: 'one',
      jwk: op.jwks.keys[0] ?? {},
      pem: pemOf(op.key),
      secret: op.clientSecret,
    };
  });

  it.each(FORGERIES)('an ID token with %s begins no session', async (_name, forge) => {
    const {op} = await theWorld();
    const subject = someone();
    const {answer} = await visit(server, {
      claims: {sub: subject},
      idToken: (claims) => forge(claims, published),
    });
    // What is no signed token at all is an answer that no provider gives: a 502.
    expect([401, 502]).toContain(answer.status);
    expect(answer.body).not.toContain('access_token');
    expect(answer.body).not.toMatch(/alg|kid|signature/);
    expect(op.requests).not.toContain('/keys');
    expect(fetched).toBe(0);
  });

  it.each(FORGERIES)('a logout token with %s ends nothing', async (_name, forge) => {
    const {held, sid, subject} = await upstream(server);
    const token = await forge(await logoutClaims({sid, sub: subject, aud: CLIENT}), published);
    expect((await send(token, server)).status).toBe(400);
    expect(await statusOf(server, held.access)).toBe(200);
    expect(fetched).toBe(0);
  });
});

import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  type JsonWebKey,
} from 'node:crypto';
import type {Target} from './target.ts';
import {jsonOf, refused, unauthorized, type Attack} from './trial.ts';

type Header = Record<string, unknown>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function claimsFor(target: Target): Promise<Record<string, unknown>> {
  const metadata = jsonOf(await target.ask('/.well-known/oauth-authorization-server')) as
    | {issuer?: string}
    | undefined;
  const now = Math.floor(Date.now() / 1000);
  const issuer = metadata?.issuer ?? target.url.origin;
  const claims = {iss: issuer, aud: issuer, sub: 'attacker', client_id: 'fraiseql', sid: randomUUID()};
  return {...claims, jti: randomUUID(), iat: now, exp: now + 600};
}

async function publishedKeys(target: Target): Promise<(JsonWebKey & {kid?: string; alg?: string})[]> {
  const set = jsonOf(await target.ask('/.well-known/jwks.json')) as {keys?: JsonWebKey[]} | undefined;
  return Array.isArray(set?.keys) ? set.keys : [];
}

export const forgedTokens: Attack = {
  name: 'forged-tokens',
  title: 'access tokens that the server never signed: algorithm confusion, kid, jku, x5u, jwk, crit',
  async run(target, trial) {
    const [claims, keys] = [await claimsFor(target), await publishedKeys(target)];
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    const known = keys[0];
    const kid = known?.kid ?? 'unknown';
    const typ = 'at+jwt';
    const own = (header: Header): string => {
      const input = `${encode({alg: 'RS256', typ, kid, ...header})}.${encode(claims)}`;
      return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
    };
    const shared = (secret: string | Buffer): string => {
      const input = `${encode({alg: 'HS256', typ, kid})}.${encode(claims)}`;
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    };
    const elsewhere = 'https://keys.invalid/jwks.json';
    const attempts: [string, string][] = [
      ...['none', 'None', 'NONE', 'nOnE'].map((alg): [string, string] => [
        `alg ${alg}`,
        `${encode({alg, typ, kid})}.${encode(claims)}.`,
      ]),
      ['our own key under its kid', own({})],
      ['no signature', own({}).replace(/[^.]+$/, '')],
      ['no kid', own({kid: undefined})],
      ['an unknown kid', own({kid: randomUUID()})],
      ['kid as a path', own({kid: '../../../../dev/null'})],
      ['kid as SQL', own({kid: "' UNION SELECT 'x' --"})],
      ['kid as __proto__', own({kid: '__proto__'})],
      ['kid as an object', own({kid: {toString: kid}})],
      ['the key in the header (jwk)', own({jwk: publicKey.export({format: 'jwk'})})],
      ['the key elsewhere (jku)', own({jku: elsewhere})],
      ['the key elsewhere (x5u)', own({x5u: elsewhere})],
      ['a certificate chain (x5c)', own({x5c: ['MIIB']})],
      ['crit', own({crit: ['exp'], exp: 1})],
      ['b64 false', own({b64: false, crit: ['b64']})],
      ['typ of another token', own({typ: 'JWT'})],
      ['a token of five parts', 'a.b.c.d.e'],
      ['no token', '...'],
      ['a token of 12 KiB', `${'a'.repeat(4096)}.${'b'.repeat(4096)}.${'c'.repeat(4096)}`],
    ];
    const pem = known && toPem(known);
    if (pem === undefined) trial.note('no key is published that can be read: HS256 with it is not tried');
    else {
      attempts.push(['HS256 with the public key as PEM', shared(pem)]);
      attempts.push(['HS256 with the public key as PEM, trimmed', shared(pem.trim())]);
      attempts.push(['HS256 with the public key as JWK', shared(JSON.stringify(known))]);
    }
    attempts.push(['HS256 with an empty secret', shared('')]);
    for (const [what, token] of attempts) {
      const answer = await target.ask('/auth/verify', {headers: {authorization: `Bearer ${token}`}});
      trial.expect(what, answer, unauthorized);
      trial.check(`${what}: no user is named`, answer.headers['x-auth-request-user'] === undefined);
    }
  },
};

function toPem(jwk: JsonWebKey): string | undefined {
  try {
    return String(createPublicKey({key: jwk, format: 'jwk'}).export({type: 'spki', format: 'pem'}));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

export const keyDisclosure: Attack = {
  name: 'keys',
  title: 'private or weak keys in what is published, and errors that tell too much',
  async run(target, trial) {
    const keys = await publishedKeys(target);
    trial.check('keys are published', keys.length > 0);
    for (const key of keys) {
      const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter((name) => name in key);
      trial.check(`key ${String(key.kid)}: no private part (${secret.join(', ')})`, secret.length === 0);
      trial.check(`key ${String(key.kid)}: no shared secret`, key.kty !== 'oct');
      if (key.kty === 'RSA')
        trial.check(
          `key ${String(key.kid)}: 2048 bits at least`,
          Buffer.from(key.n ?? '', 'base64url').length >= 256,
        );
    }
    const json = {'content-type': 'application/json'};
    const refresh = await target.ask('/auth/refresh', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({refresh_token: 'A'.repeat(43)}),
    });
    trial.expect('a refresh token that nobody issued', refresh, unauthorized);
    trial.check(
      'its error holds no stack and no SQL',
      !/ at .+:\d+|SELECT|node_modules|relation/.test(refresh.body),
    );
    const form = {'content-type': 'application/x-www-form-urlencoded'};
    const introspection = await target.ask('/auth/introspect', {
      method: 'POST',
      headers: form,
      body: 'token=x',
    });
    trial.expect(
      'introspection without a client',
      introspection,
      ({status}) => status === 401 || status === 404,
    );
    const logout = await target.ask('/auth/backchannel-logout/x', {
      method: 'POST',
      headers: form,
      body: `logout_token=${encode({alg: 'none'})}.${encode({sub: 'x'})}.`,
    });
    trial.expect('a logout token without a signature', logout, refused);
  },
};

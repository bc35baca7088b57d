// The least that a token endpoint can be: node:http, the same cryptography, the same SQL, and nothing else.
import {createPrivateKey, createPublicKey, randomUUID, verify} from 'node:crypto';
import {createServer} from 'node:http';
import {createPool} from '../../../src/database/pool.ts';
import {hashOf, newSecret, seal} from '../../../src/server/sessions/secrets.ts';
import {ROTATE} from '../../../src/server/sessions/statements.ts';
import {KeySet} from '../../../src/server/tokens/keys.ts';

const privateKey = createPrivateKey(process.env['JWT_SIGNING_KEY'] ?? '');
const publicKey = createPublicKey(privateKey);
const ALGORITHM = process.env['JWT_ALGORITHM'] === 'ES256' ? 'ES256' : 'RS256';
const {signer} = new KeySet([{kid: 'floor', algorithm: ALGORITHM, privateKey, publicKey}]);
const verifier = ALGORITHM === 'ES256' ? ({key: publicKey, dsaEncoding: 'ieee-p1363'} as const) : publicKey;
const pool = createPool({url: process.env['DATABASE_URL'] ?? '', size: 20, maxLifetimeSeconds: 0});
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function issue(user: string, session: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'floor',
    sub: user,
    aud: 'floor',
    client_id: 'floor',
    iat,
    exp: iat + 3600,
    jti: randomUUID(),
  };
  const input = signer.header + encode({...claims, sid: session});
  return `${input}.${await signer.sign(input)}`;
}

async function refresh(token: string): Promise<string> {
  const successor = newSecret();
  const {rows} = await pool.query<{id: string; user_id: string}>({
    ...ROTATE,
    values: [hashOf(token), hashOf(successor), seal(successor, token, 'refresh successor'), 86_400],
  });
  const [row] = rows;
  if (!row) throw new Error('no such token');
  return JSON.stringify({
    access_token: await issue(row.user_id, row.id),
    refresh_token: successor,
    token_type: 'Bearer',
    expires_in: 3600,
  });
}

function good(token: string): boolean {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  if (!verify('sha256', Buffer.from(token.slice(0, dot)), verifier, signature)) return false;
  const payload = Buffer.from(token.slice(token.indexOf('.') + 1, dot), 'base64url').toString();
  return (JSON.parse(payload) as {exp: number}).exp > Date.now() / 1000;
}

const EMPTY = {'content-length': '0'};

const server = createServer((request, response) => {
  if (request.url === '/health') {
    response.writeHead(200, EMPTY).end();
    return;
  }
  if (request.url !== '/auth/refresh') {
    response.writeHead(good((request.headers.authorization ?? '').slice(7)) ? 200 : 401, EMPTY).end();
    return;
  }
  let text = '';
  request.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  request.on('end', () => {
    refresh((JSON.parse(text) as {refresh_token: string}).refresh_token).then(
      (body) =>
        response
          .writeHead(200, {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)})
          .end(body),
      () => response.writeHead(401, EMPTY).end(),
    );
  });
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

// oidc-provider as a peer of the bench: refresh tokens and grants in PostgreSQL, access tokens as signed JWTs for an
// API, or opaque ones for its userinfo endpoint.
import {createPrivateKey, randomBytes} from 'node:crypto';
import {createServer} from 'node:http';
import {Provider, type Client} from 'oidc-provider';
import {Pool} from 'pg';
import {postgresAdapter, SCHEMA} from './oidc-store.ts';

const port = Number(process.env['PORT']);
const algorithm = process.env['JWT_ALGORITHM'] === 'ES256' ? 'ES256' : 'RS256';
const jwk = createPrivateKey(process.env['JWT_SIGNING_KEY'] ?? '').export({format: 'jwk'});
const pool = new Pool({connectionString: process.env['DATABASE_URL'], max: 20});
await pool.query(SCHEMA);

const RESOURCE = 'https://api.example.com';
const SCOPE = 'read offline_access';
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: postgresAdapter(pool),
  clients: [
    {
      client_id: 'bench',
      client_secret: 'a-secret-for-the-bench',
      redirect_uris: ['https://app.example.com/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: {keys: [{...jwk, alg: algorithm, use: 'sig', kid: 'bench'}]},
  scopes: ['openid', 'offline_access'],
  findAccount: (_context, subject) => ({accountId: subject, claims: () => ({sub: subject})}),
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  cookies: {keys: [randomBytes(24).toString('base64url')]},
  features: {
    devInteractions: {enabled: false},
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: RESOURCE,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: {sign: {alg: algorithm}},
      }),
    },
  },
  ttl: {
    AccessToken: 3600,
    Grant: 604_800,
    IdToken: 3600,
    RefreshToken: 604_800,
    Session: 604_800,
    Interaction: 600,
  },
});

async function session(client: Client, index: number): Promise<{access: string; refresh: string}> {
  const accountId = `user-${index}`;
  const grant = new provider.Grant({accountId, clientId: client.clientId});
  grant.addOIDCScope('openid');
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(RESOURCE, 'read');
  const grantId = await grant.save();
  const token = {accountId, client, grantId, gty: 'authorization_code'};
  const refresh = new provider.RefreshToken({...token, scope: SCOPE, resource: RESOURCE});
  const access = new provider.AccessToken({...token, scope: 'openid'});
  return {refresh: await refresh.save(), access: await access.save()};
}

const standard = provider.callback();
const server = createServer((request, response) => {
  const {pathname, searchParams} = new URL(request.url ?? '/', 'http://provider');
  if (pathname === '/bench/ready') response.writeHead(200).end();
  else if (pathname === '/bench/sessions') {
    void (async () => {
      const client = await provider.Client.find('bench');
      if (!client) throw new Error('the client is not there');
      const count = Number(searchParams.get('count'));
      const made = await Promise.all(Array.from({length: count}, (_, index) => session(client, index)));
      response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(made));
    })();
  } else void standard(request, response);
});
provider.on('server_error', (_context, error: unknown) => console.error('oidc-provider:', error));
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

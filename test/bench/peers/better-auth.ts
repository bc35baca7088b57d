// better-auth as a peer of the bench: sessions in PostgreSQL by its own adapter. It has no refresh tokens of its own;
// nearest is get-session, which moves the session's expiry and, with the jwt plugin, signs an access token.
import {createServer} from 'node:http';
import {betterAuth} from 'better-auth';
import {getMigrations} from 'better-auth/db/migration';
import {toNodeHandler} from 'better-auth/node';
import {jwt} from 'better-auth/plugins';
import {Pool} from 'pg';

const port = Number(process.env['PORT']);
const common = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: 'a secret for the bench, of no other use',
  database: new Pool({connectionString: process.env['DATABASE_URL'], max: 20}),
  telemetry: {enabled: false},
  logger: {level: 'error' as const},
  // One client makes all of the requests; ours and the floor do not limit it either.
  rateLimit: {enabled: false},
  emailAndPassword: {
    enabled: true,
    // The sign-ups that prepare the bench need no slow hash.
    password: {
      hash: (password: string) => Promise.resolve(password),
      verify: ({hash, password}: {hash: string; password: string}) => Promise.resolve(hash === password),
    },
  },
};
const refreshing = betterAuth({
  ...common,
  basePath: '/api/auth',
  session: {expiresIn: 604_800, updateAge: 0},
  plugins: [
    jwt({
      jwks: {
        keyPairConfig:
          process.env['JWT_ALGORITHM'] === 'ES256' ? {alg: 'ES256'} : {alg: 'RS256', modulusLength: 2048},
      },
    }),
  ],
});
const verifying = betterAuth({...common, basePath: '/api/verify', session: {expiresIn: 604_800}});
await (await getMigrations(refreshing.options)).runMigrations();

let made = 0;
/** Signs somebody up; the cookies of the answer are the session. */
async function session(): Promise<{access: string; refresh: string}> {
  made++;
  const answer = await refreshing.api.signUpEmail({
    body: {email: `user-${process.pid}-${made}@example.com`, password: 'a password', name: 'A'},
    asResponse: true,
  });
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
  if (!answer.ok || cookies.length === 0) throw new Error(`the sign-up was answered with ${answer.status}`);
  return {access: cookies.join('; '), refresh: cookies.join('; ')};
}

const handlers = {refresh: toNodeHandler(refreshing), verify: toNodeHandler(verifying)};
const server = createServer((request, response) => {
  const {pathname, searchParams} = new URL(request.url ?? '/', common.baseURL);
  if (pathname === '/bench/ready') response.writeHead(200).end();
  else if (pathname === '/bench/sessions') {
    void (async () => {
      const count = Number(searchParams.get('count'));
      const all = await Promise.all(Array.from({length: count}, session));
      response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(all));
    })();
  } else void (pathname.startsWith('/api/verify/') ? handlers.verify : handlers.refresh)(request, response);
});
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

// `make dev`: the auth server on loopback with a PostgreSQL and an identity provider of its own, all thrown away at
// the end. The program runs as users run it, with nothing but variables of the environment.
import {spawn, type ChildProcess} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {startProvider} from '../test/fixtures/provider/provider.ts';
import {startPostgres} from '../test/support/postgres.ts';

const PORT = Number(process.env['PORT'] ?? 8000);
const PROVIDER_PORT = Number(process.env['PROVIDER_PORT'] ?? PORT + 1);
const home = `http://localhost:${PORT}`;
const issuer = `http://localhost:${PROVIDER_PORT}`;
const clientSecret = randomBytes(18).toString('base64url');

const started = performance.now();
const [database, provider] = await Promise.all([
  startPostgres(),
  startProvider({
    port: PROVIDER_PORT,
    issuer,
    clients: [{clientId: 'dev', clientSecret, redirectUris: [`${home}/auth/callback`]}],
  }),
]);

const environment: NodeJS.ProcessEnv = {
  ...process.env,
  OAUTH_PROVIDER: 'oidc',
  OIDC_ISSUER_URL: issuer,
  OIDC_CLIENT_ID: 'dev',
  OIDC_CLIENT_SECRET: clientSecret,
  OAUTH_REDIRECT_URI: `${home}/auth/callback`,
  PROVIDER_ALLOWED_HOSTS: `localhost:${PROVIDER_PORT}`,
  DATABASE_URL: database.url,
  PORT: String(PORT),
  SERVER_HOST: '127.0.0.1',
};

let server: ChildProcess | undefined;
try {
  await finished(run(['db', 'migrate']), 'db migrate');
  server = run(['serve', '--dev']);
  const ended = once(server, 'exit');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server?.kill('SIGTERM'));
  await Promise.race([answers(`${home}/health/auth`), ended]);
  if (server.exitCode === null) {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(
      `ready in ${seconds} s: click ${home}/auth/start?return_to=/auth/account and sign in under any name (Ctrl-C ends it)\n`,
    );
  }
  await ended;
  process.exitCode = server.exitCode ?? 0;
} finally {
  await Promise.all([provider.close(), database.close()]);
}

/** Starts the built program; of its log, warnings and worse are passed on. */
function run(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['dist/main.js', ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({input: child.stdout}).on('line', (line) => {
    if (process.env['LOG_LEVEL'] !== undefined || /"level":"(warn|error|fatal)"/.test(line))
      console.log(line);
  });
  return child;
}

async function finished(child: ChildProcess, name: string): Promise<void> {
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${name} ended with exit code ${child.exitCode}`);
}

/** Resolves once that address answers 200. */
async function answers(url: string): Promise<void> {
  for (;;) {
    const status = await fetch(url, {signal: AbortSignal.timeout(2000)}).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

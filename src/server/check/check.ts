import {createLocalJWKSet, jwtVerify, type JSONWebKeySet} from 'jose';
import {Agent, request} from 'undici';
import {z} from 'zod';
import {systemClock} from '../../support/clock.ts';
import type {Configuration} from '../../support/configuration/configuration.ts';
import type {Logger} from '../../support/logging.ts';
import {startServer, type RunningServer} from '../server.ts';
import {checkProviders} from './providers.ts';
import {CheckError} from './problem.ts';

const DEADLINE_MS = 5_000;

/** To this process itself, on loopback: whatever certificate it shows, it was read and fits its key, or nothing started. */
const ourselves = new Agent({connect: {rejectUnauthorized: false}});

/** The user and the session of a token that never leaves this process. */
const NOBODY = '00000000-0000-4000-8000-000000000000';

const health = z.object({auth: z.string(), db: z.string(), oauth_provider: z.string()});
const keySet = z.object({keys: z.array(z.looseObject({kid: z.string()})).min(1)});
const metadata = z.looseObject({issuer: z.string(), jwks_uri: z.string()});

/**
 * Tries a configuration out before it serves anybody: the server is started on a free port of loopback, and asked what a
 * client, a resource server and a cluster would ask it; each provider is asked whether it accepts us. The database is
 * not part of it: its schema may be older than this version needs until the migration, which comes after.
 * @throws CheckError for what would not serve
 */
export async function check(configuration: Configuration, logger: Logger): Promise<Record<string, unknown>> {
  const server = await start(configuration, logger);
  try {
    await checkServer(server, configuration);
    await checkProviders(configuration, systemClock);
  } finally {
    await server.stop(0);
  }
  return {
    issuer: configuration.tokens.issuer,
    providers: configuration.providers.map(({name}) => name),
    keys: configuration.signingKeys.map(({kid}) => kid),
  };
}

async function start(configuration: Configuration, logger: Logger): Promise<RunningServer> {
  try {
    return await startServer({
      configuration: {...configuration, host: '127.0.0.1', port: 0},
      logger,
    });
  } catch (error) {
    throw new CheckError(
      'CheckFailed',
      `The server does not start: ${error instanceof Error ? error.message : String(error)}`,
      'The log has the whole error.',
    );
  }
}

async function checkServer(server: RunningServer, configuration: Configuration): Promise<void> {
  const {issuer} = configuration.tokens;
  await get(server, '/health/live', z.looseObject({status: z.literal('alive')}), [200]);
  await get(server, '/health/auth', health, [200, 503]);
  const published = await get(server, '/.well-known/jwks.json', keySet, [200]);
  const soon = systemClock.now() / 1000 + 60;
  const {token} = await server.services.tokens.issue(NOBODY, NOBODY, soon);
  try {
    await jwtVerify(token, createLocalJWKSet(published as JSONWebKeySet), {issuer, typ: 'at+jwt'});
  } catch (error) {
    throw new CheckError(
      'CheckFailed',
      `A token that it signs is not verified by the keys that it publishes: ${error instanceof Error ? error.message : ''}`,
      'Check the signing keys: the private key and what is published must belong together.',
    );
  }
  const said = await get(server, '/.well-known/oauth-authorization-server', metadata, [200]);
  if (said.issuer !== issuer)
    throw new CheckError(
      'CheckFailed',
      `The metadata names the issuer ${said.issuer}, and tokens are issued by ${issuer}`,
      'Check JWT_ISSUER and OAUTH_REDIRECT_URI.',
    );
}

/** What a route answers, of that shape and with one of these statuses. */
async function get<T extends z.ZodType>(
  server: RunningServer,
  path: string,
  shape: T,
  statuses: readonly number[],
): Promise<z.output<T>> {
  const response = await request(server.url + path, {
    dispatcher: ourselves,
    signal: AbortSignal.timeout(DEADLINE_MS),
    headers: {accept: 'application/json'},
  });
  const body = shape.safeParse(await response.body.json().catch(() => undefined));
  if (statuses.includes(response.statusCode) && body.success) return body.data;
  throw new CheckError(
    'CheckFailed',
    `GET ${path} answers ${response.statusCode}${body.success ? '' : ', and not what it should'}`,
    'The log has the whole error.',
  );
}

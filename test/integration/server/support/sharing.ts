// Two replicas that share a Redis, and how they are asked.
import type {RunningServer} from '../../../../src/server/server.ts';
import {startRedis, type TestRedis} from '../../../support/redis.ts';
import {metricsOf} from '../../../support/server/metrics.ts';
import {startStack, until, type Stack} from '../../../support/server/stack.ts';

export class Sharing {
  readonly stack: Stack;
  readonly redis: TestRedis;
  a!: RunningServer;
  b!: RunningServer;

  private constructor(stack: Stack, redis: TestRedis) {
    this.stack = stack;
    this.redis = redis;
  }

  static async start(): Promise<Sharing> {
    const sharing = new Sharing(...(await Promise.all([startStack(), startRedis()])));
    [sharing.a, sharing.b] = await Promise.all([sharing.connected(), sharing.connected()]);
    return sharing;
  }

  /** `redisCommandMs` is so long that Redis is at fault, and not the machine, where it is not met. */
  replica(env: NodeJS.ProcessEnv = {}, redisCommandMs = 10_000): Promise<RunningServer> {
    return this.stack.server(
      {
        REDIS_URL: this.redis.url,
        RATE_LIMITS: 'On',
        // So few that none comes back while a test is slow.
        RATE_LIMIT_LOGOUT_PER_MINUTE: '4',
        RATE_LIMIT_REFRESH_PER_MINUTE: '4',
        TRUSTED_PROXIES: '127.0.0.1',
        ...env,
      },
      {
        intervals: {
          providerGoodMs: 500,
          providerBadMs: 200,
          databaseGoodMs: 500,
          databaseBadMs: 200,
          redisGoodMs: 500,
          redisBadMs: 100,
          redisCommandMs,
        },
      },
    );
  }

  /** The same, as soon as it uses Redis. */
  async connected(...given: Parameters<Sharing['replica']>): Promise<RunningServer> {
    const server = await this.replica(...given);
    await until('Redis', async () => (await redisIs(server)) === 'ok');
    return server;
  }

  /** For the next test: Redis is there, is empty, and both use it. */
  async anew(): Promise<void> {
    await this.redis.start();
    for (const server of [this.a, this.b]) await until('Redis', async () => (await redisIs(server)) === 'ok');
    await this.redis.client.flushall();
  }

  async close(): Promise<void> {
    await this.stack.close();
    await this.redis.close();
  }
}

async function healthOf(server: RunningServer): Promise<{auth: string; redis: string; status: number}> {
  const answer = await fetch(`${server.url}/health/auth`);
  return {...((await answer.json()) as {auth: string; redis: string}), status: answer.status};
}

export const redisIs = async (server: RunningServer): Promise<string> => (await healthOf(server)).redis;

/** What is wrong with Redis, by the metric. */
export async function fault(server: RunningServer): Promise<string | undefined> {
  const text = await metricsOf(server);
  return /dependency_error\{dependency="redis",reason="(\w+)"\} 1/.exec(text)?.[1];
}

/** Its health as soon as it serves: on a busy machine the first look at the database may be late. */
export async function healthOnceServing(
  server: RunningServer,
): Promise<Awaited<ReturnType<typeof healthOf>>> {
  let health = await healthOf(server);
  await until('its service', async () => (health = await healthOf(server)).status === 200);
  return health;
}

/** Nothing but Redis is amiss. */
export const ONLY_REDIS_IS_AWAY = {
  status: 200,
  auth: 'degraded',
  oauth_provider: 'ok',
  db: 'ok',
  redis: 'error',
};

let addresses = 0;
/** An address that nobody has used yet. */
export const newAddress = (): string => `198.51.100.${(addresses += 1)}`;

export const post = (
  server: RunningServer,
  path: string,
  from: string,
  body: unknown = {},
): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json', 'x-forwarded-for': from},
    body: JSON.stringify(body),
  });

export async function statuses(times: number, ask: (index: number) => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; i < times; i++) answers.push((await ask(i)).status);
  return answers;
}

export const many = (times: number, status: number): number[] => Array.from({length: times}, () => status);

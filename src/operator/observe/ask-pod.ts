import {isRecord, recordIn} from '../../support/record.ts';
import {SERVER_PORT} from '../desired/deployment.ts';
import type {KeyAnswer} from '../observed.ts';
import type {KeyAsker} from './key-watch.ts';
import {PodConnections} from './pod-connection.ts';
import type {PodAnswer} from './prober.ts';
import type {Target} from './target.ts';

type HealthOf = NonNullable<PodAnswer>;

const KEY_SET = '/.well-known/jwks.json';
/** Asks pods, over connections of its own. */
export function podAsker(port: number = SERVER_PORT): {
  ask: (target: Target) => Promise<PodAnswer>;
  keys: KeyAsker;
  close: () => Promise<void>;
} {
  const pods = new PodConnections(port);
  return {
    ask: (target) =>
      pods.ask(target, async (pod) => {
        const health = parseHealth((await pod.get('/health/auth')).text);
        const answer =
          health === undefined || health.auth === 'healthy'
            ? health
            : withCauses(health, parseErrors((await pod.get('/metrics')).text));
        return answer && {...answer, ...(pod.shown && {certificates: [pod.shown]})};
      }),
    keys: {
      pod: (target) =>
        pods.ask(target, async (pod) => {
          const [set, metrics] = await Promise.all([pod.get(KEY_SET), pod.get('/metrics')]);
          const kids = parseKids(set.text);
          return kids && {kids, maxAgeSeconds: maxAgeIn(set.cacheControl), ...parseSigning(metrics.text)};
        }),
      async published(publicURL) {
        // Redirects are not followed: what stands elsewhere is not what clients of this issuer read.
        const {text, status} = await pods.get(`${publicURL}${KEY_SET}`);
        return status === 200 ? parseKids(text) : undefined;
      },
    },
    close: () => pods.close(),
  };
}

/**
 * What cannot be used, by its cause. Undefined where no metric names one: a pod that has just started says 503 until
 * its first look at the database has ended, which means nothing yet.
 */
function withCauses(health: HealthOf, errors: HealthOf['errors']): PodAnswer {
  const named = (prefix: string): boolean => errors.some(({dependency}) => dependency.startsWith(prefix));
  if (health.db === 'error' && !named('database')) return undefined;
  if (health.oauthProvider === 'error' && !named('provider:')) return undefined;
  if (health.cache === 'error' && !named('redis')) return undefined;
  return {...health, errors};
}

/** The body of /health/auth; undefined for anything else. */
export function parseHealth(text: string): PodAnswer {
  const body = recordIn(text);
  if (body === undefined) return undefined;
  const {auth, oauth_provider: provider, db, redis} = body;
  if (auth !== 'healthy' && auth !== 'degraded' && auth !== 'unhealthy') return undefined;
  return {
    auth,
    oauthProvider: provider === 'ok' || provider === 'error' ? provider : undefined,
    db: db === 'ok' || db === 'error' ? db : undefined,
    ...((redis === 'ok' || redis === 'error') && {cache: redis}),
    errors: [],
  };
}

/** The series of `fraiseql_auth_dependency_error` that are 1, from the Prometheus text format. */
export function parseErrors(text: string): {dependency: string; reason: string}[] {
  const found: {dependency: string; reason: string}[] = [];
  for (const [, labels = '', value] of text.matchAll(/^fraiseql_auth_dependency_error\{([^}]*)\} (\S+)/gm)) {
    if (Number(value) !== 1) continue;
    const dependency = /(?:^|,)dependency="([^"]*)"/.exec(labels)?.[1];
    const reason = /(?:^|,)reason="([^"]*)"/.exec(labels)?.[1];
    if (dependency !== undefined && reason !== undefined) found.push({dependency, reason});
  }
  return found;
}

/** The kids of a JWK Set; undefined for anything else. */
export function parseKids(text: string): string[] | undefined {
  const body = recordIn(text);
  const keys: unknown = body?.['keys'];
  if (!Array.isArray(keys)) return undefined;
  return keys
    .flatMap((each: unknown) => (isRecord(each) && typeof each['kid'] === 'string' ? [each['kid']] : []))
    .sort();
}

/** The max-age of a Cache-Control header, in seconds. */
function maxAgeIn(header: string): number | undefined {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/.exec(header)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** Which key signs and how long its tokens are valid, from the Prometheus text format. */
export function parseSigning(text: string): Pick<KeyAnswer, 'signer' | 'tokenTTLSeconds'> {
  const signer = [...text.matchAll(/^fraiseql_auth_signing_key\{([^}]*)\} 1$/gm)]
    .map(([, labels = '']) => /(?:^|,)kid="([^"]*)"/.exec(labels)?.[1])
    .find((each) => each !== undefined);
  const lifetime = /^fraiseql_auth_access_token_lifetime_seconds (\d+)$/m.exec(text)?.[1];
  return {signer, tokenTTLSeconds: lifetime === undefined ? undefined : Number(lifetime)};
}

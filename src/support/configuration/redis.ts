import type {RedisSettings} from './configuration.ts';
import type {Findings} from './problems.ts';
import type {Sources} from './sources.ts';

/** REDIS_URL and what goes with it. No problem quotes the URL, which may hold a password. */
export function readRedis(
  sessionTtlSeconds: number,
  stateKey: Buffer | undefined,
  sources: Sources,
  findings: Findings,
): RedisSettings | undefined {
  const text = sources.secret('REDIS_URL');
  if (text === undefined) {
    if (!sources.has('REDIS_URL') && sources.variable('SESSION_CACHE_TTL') !== undefined)
      findings.warning('SESSION_CACHE_TTL', 'has no effect without REDIS_URL');
    return undefined;
  }
  const url = URL.parse(text);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    findings.problem('REDIS_URL', 'must be redis://user:password@host:6379, or rediss:// for TLS');
    return undefined;
  }
  if (!/^\/?\d{0,4}$/.test(url.pathname)) {
    findings.problem('REDIS_URL', 'must end after the port, or in the number of a database, as in /1');
    return undefined;
  }
  if (stateKey === undefined)
    findings.warning(
      'REDIS_URL',
      'limits are shared, but sessions are not: set STATE_KEY, the same on every replica, which seals them',
    );
  return {url: text, sessionTtlSeconds};
}

import {isCertificate} from '../certificate.ts';
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
  const ca = readCa(sources, findings);
  if (text === undefined) {
    if (!sources.has('REDIS_URL') && sources.variable('SESSION_CACHE_TTL') !== undefined)
      findings.warning('SESSION_CACHE_TTL', 'has no effect without REDIS_URL');
    return undefined;
  }
  const url = URL.parse(text);
  if (url === null || !SCHEMES.has(url.protocol) || url.hostname === '') {
    findings.problem('REDIS_URL', 'must be redis://user:password@host:6379, or rediss:// for TLS');
    return undefined;
  }
  const {protocol, pathname, search, hash} = url;
  // What stands behind a question mark the client library would take for its own options.
  if (!/^\/?\d{0,4}$/.test(pathname) || search !== '' || hash !== '') {
    findings.problem('REDIS_URL', 'must end after the port, or in the number of a database, as in /1');
    return undefined;
  }
  if (ca !== undefined && protocol !== TLS)
    findings.problem('REDIS_CA', 'is for TLS: write rediss:// in REDIS_URL, or leave REDIS_CA out');
  if (stateKey === undefined)
    findings.warning(
      'REDIS_URL',
      'limits are shared, but sessions are not: set STATE_KEY, the same on every replica, which seals them',
    );
  return {url: text, tls: protocol === TLS ? {...(ca !== undefined && {ca})} : undefined, sessionTtlSeconds};
}

const TLS = 'rediss:';
const SCHEMES: ReadonlySet<string> = new Set(['redis:', TLS]);

/** REDIS_CA: one certificate, or several in a row. */
function readCa(sources: Sources, findings: Findings): string | undefined {
  const text = sources.secret('REDIS_CA');
  if (text === undefined) return undefined;
  if (!sources.has('REDIS_URL')) {
    findings.problem('REDIS_CA', 'has no effect without REDIS_URL');
    return undefined;
  }
  if (isCertificate(text)) return text;
  findings.problem('REDIS_CA', 'must be one certificate in PEM form, or several in a row');
  return undefined;
}

import type {FastifyRequest} from 'fastify';
import {trustedProxies} from '../http/proxies.ts';
import {isPublicAddress} from '../providers/addresses.ts';

/** Says under which address a request is counted; undefined: under none. */
export type CountedAddress = (request: FastifyRequest) => string | undefined;

/**
 * Counts by the right-most address that is not in `proxies` (TRUSTED_PROXIES). None where there is only a proxy's own: one
 * that is named and says nothing of its clients, or, where nobody has named any, a private address that passes the
 * request on for another. All of its clients would share one limit, so that one stranger's failed logins would keep
 * everybody out. A public address that nobody named is never believed to be a proxy: it is counted itself.
 */
export function countedAddress(proxies: readonly string[]): CountedAddress {
  if (proxies.length > 0) {
    const trusted = trustedProxies(proxies);
    return ({ip}) => (trusted(ip) ? undefined : ip);
  }
  return ({ip, headers}) => {
    if (headers['x-forwarded-for'] === undefined) return ip;
    return isPublicAddress(ip.replace(/^::ffff:(?=\d+\.)/i, '')) ? ip : undefined;
  };
}

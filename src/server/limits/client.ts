import type {FastifyRequest} from 'fastify';
import {isPublicAddress} from '../providers/addresses.ts';

/**
 * The address that a request is counted under. Undefined where nobody has named a proxy (TRUSTED_PROXIES) and a private
 * address passes the request on for another: that is a proxy, and all of its clients would share one limit, so that one
 * stranger's failed logins would keep everybody out. A public address is never believed to be one: it is counted itself.
 */
export function countedAddress(request: FastifyRequest, proxies: readonly string[]): string | undefined {
  const {ip} = request;
  if (proxies.length > 0 || request.headers['x-forwarded-for'] === undefined) return ip;
  return isPublicAddress(ip.replace(/^::ffff:(?=\d+\.)/i, '')) ? ip : undefined;
}

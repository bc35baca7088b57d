import type {FastifyInstance, FastifyRequest} from 'fastify';
import type {Services} from '../services.ts';
import {countedAddress} from './client.ts';
import type {AddressLimit} from './limits.ts';

const LIMITED: ReadonlyMap<string, AddressLimit> = new Map([
  ['POST /auth/start', 'start'],
  ['GET /auth/start', 'start'],
  ['GET /auth/callback', 'callback'],
  ['GET /auth/callback/:provider', 'callback'],
  ['POST /auth/logout', 'logout'],
  ['POST /auth/account/sign-out', 'logout'],
  ['POST /auth/account/sign-out-everywhere', 'logout'],
  ['POST /auth/account/end-session', 'logout'],
]);

/** Refuses requests beyond the limits of their client's address, before anything else is done for them. */
export function limitRoutes(app: FastifyInstance, {limits, logger, configuration}: Services): void {
  if (limits === undefined) return;
  const addressOf = countedAddress(configuration.trustedProxies);
  let told = false;
  const tell = (request: FastifyRequest, message: string): void => {
    told = true;
    logger.warn({address: request.ip}, message);
  };
  app.addHook('onRoute', (route) => {
    const limit = LIMITED.get(`${String(route.method)} ${route.url}`);
    if (limit === undefined) return;
    route.onRequest = async (request: FastifyRequest): Promise<void> => {
      const address = addressOf(request);
      if (!told && request.ip === request.socket.remoteAddress) {
        if (request.headers['x-forwarded-for'] === undefined) {
          if (address === undefined)
            tell(
              request,
              'a proxy that TRUSTED_PROXIES names sends no X-Forwarded-For: what it passes on is not limited by client address until it does',
            );
        } else
          tell(
            request,
            address === undefined
              ? 'requests come through a proxy that TRUSTED_PROXIES does not name: they are not limited by client address until it does'
              : 'a request with X-Forwarded-For came from an address that is not in TRUSTED_PROXIES: if it is a proxy, all of its clients count as one for the rate limits',
          );
      }
      if (address !== undefined) await limits.admit(limit, address);
    };
  });
}

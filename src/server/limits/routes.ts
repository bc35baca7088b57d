import type {FastifyInstance} from 'fastify';
import type {Logger} from '../../support/logging.ts';
import type {AddressLimit, Limits} from './limits.ts';

const LIMITED: ReadonlyMap<string, AddressLimit> = new Map([
  ['POST /auth/start', 'start'],
  ['GET /auth/start', 'start'],
  ['GET /auth/callback', 'callback'],
  ['POST /auth/logout', 'logout'],
]);

/** Refuses requests beyond the limits of their client's address, before anything else is done for them. */
export function limitRoutes(app: FastifyInstance, limits: Limits | undefined, logger: Logger): void {
  if (limits === undefined) return;
  let told = false;
  app.addHook('onRequest', (request, _reply, done) => {
    const limit = LIMITED.get(`${request.method} ${request.routeOptions.url}`);
    if (limit === undefined) {
      done();
      return;
    }
    if (
      !told &&
      request.headers['x-forwarded-for'] !== undefined &&
      request.ip === request.socket.remoteAddress
    ) {
      told = true;
      logger.warn(
        {address: request.ip},
        'a request with X-Forwarded-For came from an address that is not in TRUSTED_PROXIES: if it is a proxy, all of its clients count as one for the rate limits',
      );
    }
    limits.admit(limit, request.ip);
    done();
  });
}

import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';

/** `GET /auth/providers`: what a sign-in page offers. */
export function providersRoute(app: FastifyInstance, services: Services): void {
  app.get('/auth/providers', () =>
    services.providers.all.map(({settings}) => ({
      name: settings.name,
      type: settings.type,
      display_name: settings.displayName,
    })),
  );
}

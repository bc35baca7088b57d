import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';

/** `GET /metrics` for Prometheus, `GET /metrics/auth` for FraiseQL's documented integers. */
export function metricsRoutes(app: FastifyInstance, services: Services): void {
  const {registry, totals} = services.metrics;
  app.get('/metrics', async (_request, reply) =>
    reply
      .type(registry.contentType)
      .serializer(String)
      .send(await registry.metrics()),
  );
  app.get('/metrics/auth', () => totals);
}

import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';

/** `GET /health/auth` for readiness, `GET /health/live` for liveness: the latter depends on nothing else. */
export function healthRoutes(app: FastifyInstance, services: Services): void {
  app.get('/health/auth', (_request, reply) => {
    const report = services.health.report();
    return reply.code(report.auth === 'unhealthy' ? 503 : 200).send(report);
  });
  app.get('/health/live', () => ({status: 'alive'}));
}

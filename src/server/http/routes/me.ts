import type {FastifyInstance, FastifyRequest} from 'fastify';
import type {Services} from '../../services.ts';
import {authenticate} from '../authenticate.ts';

/** `GET /auth/me`: who the caller is. `expires_at` is seconds since the epoch: the end of the credential presented. */
export function meRoute(app: FastifyInstance, services: Services): void {
  const me = async (request: FastifyRequest): Promise<Record<string, unknown>> => {
    const {session, expiresAt} = await authenticate(request, services);
    return {
      sub: session.userId,
      user_id: session.userId,
      session_id: session.id,
      provider: session.provider ?? 'unknown',
      email: session.email,
      name: session.name,
      expires_at: Math.floor(expiresAt),
    };
  };
  app.route({method: 'GET', url: '/auth/me', schema: SCHEMA, handler: me});
}

const SCHEMA = {
  response: {
    200: {
      type: 'object',
      properties: {
        sub: {type: 'string'},
        user_id: {type: 'string'},
        session_id: {type: 'string'},
        provider: {type: 'string'},
        email: {type: 'string'},
        name: {type: 'string'},
        expires_at: {type: 'integer'},
      },
    },
  },
};

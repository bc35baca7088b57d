import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import {authenticate} from '../authenticate.ts';
import {ofSameUser, recordEnded} from '../ended.ts';

/** `GET /auth/sessions`: where the caller is signed in. `DELETE /auth/sessions/{id}`: ends one of them. */
export function sessionsRoutes(app: FastifyInstance, services: Services): void {
  const {sessions} = services;
  const list = async (request: FastifyRequest): Promise<Record<string, unknown>[]> => {
    const {session} = await authenticate(request, services);
    return (await sessions.ofUser(session.userId)).map((entry) => ({
      id: entry.id,
      provider: entry.provider ?? 'unknown',
      user_agent: entry.userAgent,
      created_at: Math.floor(entry.createdAt),
      last_used_at: entry.lastUsedAt === undefined ? undefined : Math.floor(entry.lastUsedAt),
      expires_at: Math.floor(entry.expiresAt),
      current: entry.id === session.id,
    }));
  };
  app.route({method: 'GET', url: '/auth/sessions', schema: LIST_SCHEMA, handler: list});

  app.delete<{Params: {id: string}}>('/auth/sessions/:id', async (request, reply) => {
    const {session} = await authenticate(request, services, 'ending');
    const {id} = request.params;
    // Another's session, none at all and what is no id look the same.
    if (!(await sessions.revokeOwn(id, session.userId)))
      throw new AuthError('not_found', 'the user has no session of that id');
    recordEnded(services, request, 'user', ofSameUser(session, [id]));
    return reply.code(204).send();
  });
}

const LIST_SCHEMA = {
  response: {
    200: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: {type: 'string'},
          provider: {type: 'string'},
          user_agent: {type: 'string'},
          created_at: {type: 'integer'},
          last_used_at: {type: 'integer'},
          expires_at: {type: 'integer'},
          current: {type: 'boolean'},
        },
      },
    },
  },
};

import formbody from '@fastify/formbody';
import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {SpentTokenError} from '../../sessions/spent-token.ts';
import {recordEnded} from '../ended.ts';
import {refreshToken, tokenResponse, type TokenResponse} from '../schemas.ts';

interface RefreshBody {
  readonly refresh_token: string;
  readonly grant_type?: string;
}

/**
 * `POST /auth/refresh`: a refresh token for an access token and the refresh token's successor. JSON, or the form of RFC
 * 6749, section 6, for clients that follow the metadata.
 */
export async function refreshRoute(parent: FastifyInstance, services: Services): Promise<void> {
  await parent.register(async (app) => {
    await app.register(formbody);
    route(app, services);
  });
}

function route(app: FastifyInstance, services: Services): void {
  const {sessions, tokens, metrics, audit, limits, failures} = services;
  const refresh = async (request: FastifyRequest<{Body: RefreshBody}>): Promise<TokenResponse> => {
    const where = {requestId: request.id, address: request.ip};
    const onReuse = (session: Session): void => {
      audit.record('session_reuse_detected', {
        ...where,
        user: session.userId,
        session: session.id,
        provider: session.provider,
        outcome: 'failure',
      });
      recordEnded(services, request, 'reuse', [session]);
    };
    try {
      await limits?.admitRefresh(request.body.refresh_token);
      const exchange = () => sessions.refresh(request.body.refresh_token, onReuse);
      const {session, refreshToken, replayed} = await (failures === undefined
        ? exchange()
        : failures.watch('credentials', request, exchange));
      if (!replayed) await limits?.refreshed(session.id, refreshToken);
      const access = await tokens.issue(session.userId, session.id, session.expiresAt);
      metrics.refreshed(replayed);
      audit.record('session_refreshed', {
        ...where,
        user: session.userId,
        session: session.id,
        provider: session.provider,
        outcome: 'success',
        ...(replayed ? {reason: 'replayed'} : {}),
      });
      return {
        access_token: access.token,
        refresh_token: refreshToken,
        token_type: 'Bearer',
        expires_in: access.expiresIn,
      };
    } catch (error) {
      const reason = error instanceof AuthError ? error.code : 'server_error';
      const spent = error instanceof SpentTokenError ? error : undefined;
      metrics.loginFailed(spent?.provider ?? 'none', spent?.why ?? reason);
      audit.record('auth_failure', {...where, outcome: 'failure', reason});
      throw error;
    }
  };
  app.route({method: 'POST', url: '/auth/refresh', schema: SCHEMA, handler: refresh});
}

const SCHEMA = {
  body: {
    type: 'object',
    required: ['refresh_token'],
    properties: {refresh_token: refreshToken, grant_type: {const: 'refresh_token'}},
  },
  response: {200: tokenResponse},
};

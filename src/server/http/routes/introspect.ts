import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import {authenticateClient, invalidClient, type ClientFields} from '../client-authentication.ts';
import {tokenForm} from '../schemas.ts';

export interface TokenForm extends ClientFields {
  readonly token: string;
  readonly token_type_hint?: string;
}

/**
 * `POST /auth/introspect` (RFC 7662): whether a token is good now, for the one client that may ask. Of a token that is
 * not, nothing else is said (section 2.2).
 */
export function introspectRoute(app: FastifyInstance, services: Services): void {
  const client = services.configuration.introspection;
  const introspect = async (request: FastifyRequest<{Body: TokenForm}>): Promise<Record<string, unknown>> => {
    if ((await authenticateClient(services, request)) === undefined)
      throw invalidClient(
        client === undefined
          ? 'INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET are not set, so nobody may introspect'
          : 'no client authentication',
      );
    const {token} = request.body;
    // A refresh token of ours holds no dot, an access token two. The hint is no more than that (section 2.1).
    const ask = token.includes('.') ? ofAccessToken : ofRefreshToken;
    return (await ask(token, services)) ?? INACTIVE;
  };
  app.route({method: 'POST', url: '/auth/introspect', schema: {body: tokenForm}, handler: introspect});
}

const INACTIVE = {active: false};

async function ofAccessToken(
  token: string,
  services: Services,
): Promise<Record<string, unknown> | undefined> {
  try {
    const claims = services.tokens.check(token);
    const session = await services.revocations.session(claims.sid);
    if (!session || session.userId !== claims.sub) return undefined;
    return {active: true, token_type: 'Bearer', ...claims};
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

async function ofRefreshToken(
  token: string,
  services: Services,
): Promise<Record<string, unknown> | undefined> {
  const {tokens} = services.configuration;
  const session = await services.sessions.byCurrentToken(token);
  return (
    session && {
      active: true,
      token_type: 'refresh_token',
      iss: tokens.issuer,
      client_id: tokens.clientId,
      sub: session.userId,
      sid: session.id,
      exp: Math.floor(session.expiresAt),
    }
  );
}

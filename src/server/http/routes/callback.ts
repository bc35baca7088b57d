import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import {countedAddress} from '../../limits/client.ts';
import {completeLogin, type AuthorizationResponse} from '../../login/login.ts';
import {explain} from '../../providers/failures.ts';
import type {Services} from '../../services.ts';
import {readCookie} from '../cookies.ts';
import {recordEnded} from '../ended.ts';
import {describeUserAgent} from '../user-agent.ts';
import {tokenResponse, type TokenResponse} from '../schemas.ts';

/**
 * `GET /auth/callback`: where the provider sends the browser back. Answers with tokens, or, where the login was begun
 * with `return_to`, sends the browser there with the session in a cookie and no token anywhere. `/auth/callback/NAME` is the
 * same for a provider with an address of its own.
 */
export function callbackRoute(app: FastifyInstance, services: Services): void {
  const {cookies, tokens, limits, metrics, configuration} = services;
  const addressOf = countedAddress(configuration.trustedProxies);
  for (const url of ['/auth/callback', '/auth/callback/:provider'])
    app.get<{Querystring: AuthorizationResponse; Params: {provider?: string}}>(
      url,
      {schema: SCHEMA, exposeHeadRoute: false},
      async (request, reply) => {
        const {state} = request.query;
        const bindingName = cookies.bindingName(state);
        const binding = readCookie(request.headers.cookie, bindingName);
        const unbind = (): void => {
          if (binding !== undefined) void reply.header('set-cookie', cookies.clear(bindingName));
        };
        const {session, secret, returnTo} = await completeLogin(
          services,
          request.query,
          {
            binding,
            callback: request.params.provider,
            userAgent: describeUserAgent(request.headers['user-agent']),
            async onFailed(error) {
              const address = addressOf(request);
              if (address !== undefined) await limits?.loginFailed(address, error);
            },
          },
          {
            requestId: request.id,
            address: request.ip,
          },
        ).catch((error: unknown) => {
          // Refused for a moment, the login may still be there: who reloads must have what it is bound to.
          if (!(error instanceof AuthError && error.status === 503)) unbind();
          throw error;
        });
        unbind();
        if (returnTo !== undefined) {
          await endReplaced(services, request).catch((error: unknown) => {
            // The new session is there and the login used up: its cookie must reach the browser whatever became of the old one.
            services.logger.warn(
              {requestId: request.id, cause: explain(error)},
              'the session whose cookie is replaced could not be ended: it stands until its own end',
            );
          });
          const maxAge = session.expiresAt - services.clock.now() / 1000;
          return reply
            .header('set-cookie', cookies.set(cookies.sessionName, secret, maxAge))
            .redirect(returnTo, 303);
        }
        const access = await tokens.issue(session.userId, session.id, session.expiresAt);
        metrics.tokenIssued();
        const body: TokenResponse = {
          access_token: access.token,
          refresh_token: secret,
          token_type: 'Bearer',
          expires_in: access.expiresIn,
        };
        return reply.send(body);
      },
    );
}

/** A browser holds one session: the one whose cookie is overwritten ends (OWASP ASVS 5, 7.2.4). */
async function endReplaced(services: Services, request: FastifyRequest): Promise<void> {
  const {sessions, cookies} = services;
  const cookie = readCookie(request.headers.cookie, cookies.sessionName);
  const session = cookie === undefined ? undefined : (await sessions.findByCookie(cookie))?.session;
  if (session && (await sessions.revoke(session.id))) recordEnded(services, request, 'replaced', [session]);
}

const SCHEMA = {
  querystring: {
    type: 'object',
    required: ['state'],
    properties: {
      state: {type: 'string', minLength: 1, maxLength: 2048},
      // No RFC bounds it, and those of Microsoft Entra ID are of two thousand characters and more.
      code: {type: 'string', minLength: 1, maxLength: 4096},
      iss: {type: 'string', maxLength: 2048},
      error: {type: 'string', minLength: 1, maxLength: 256},
      error_description: {type: 'string', maxLength: 2048},
    },
  },
  response: {200: tokenResponse},
};

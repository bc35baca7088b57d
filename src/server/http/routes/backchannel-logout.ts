import type {FastifyInstance} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import type {Services} from '../../services.ts';
import {recordEnded} from '../ended.ts';

interface LogoutForm {
  readonly logout_token: string;
}

/**
 * `POST /auth/backchannel-logout/{provider}` (OpenID Connect Back-Channel Logout 1.0): the provider says that its user's
 * session has ended, and ours that came of it end too. 200, or 400 where the token is not good, never stored (2.8).
 */
export function backchannelLogoutRoute(app: FastifyInstance, services: Services): void {
  const {providers, sessions, failures} = services;
  app.post<{Params: {provider: string}; Body: LogoutForm}>(
    '/auth/backchannel-logout/:provider',
    {schema: SCHEMA},
    async (request, reply) => {
      const provider = providers.find(request.params.provider);
      if (!provider) throw new AuthError('not_found', 'a logout for a provider that is not configured');
      const check = () => provider.logoutToken(request.body.logout_token);
      const token = await (failures === undefined ? check() : failures.watch('credentials', request, check));
      const ended = await sessions.endAtProvider(token);
      if (ended === undefined)
        throw new AuthError('invalid_request', 'the logout token was used before', {
          message: 'logout_token is not acceptable',
          oauth: 'invalid_request',
        });
      const {name} = provider.settings;
      const known = ended.map((session) => ({...session, provider: name}));
      recordEnded(services, request, 'backchannel_logout', known);
      return reply.code(200).send();
    },
  );
}

const SCHEMA = {
  body: {
    type: 'object',
    required: ['logout_token'],
    properties: {logout_token: {type: 'string', minLength: 1, maxLength: 16_384}},
  },
};

import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {allowedReturnTo} from '../../login/return-to.ts';
import {startLogin, type StartedLogin} from '../../login/login.ts';
import type {Page} from '../../pages/document.ts';
import {wantsPage} from '../../pages/pages.ts';
import {signInPage} from '../../pages/sign-in-page.ts';
import type {Services} from '../../services.ts';
import {providerName} from '../schemas.ts';

interface StartBody {
  readonly provider?: string;
}

interface StartQuery {
  readonly provider?: string;
  readonly return_to?: string;
}

/**
 * `POST /auth/start` answers with the provider's address; `GET /auth/start` sends a browser there, or lets the person
 * choose where several providers are configured and none is named.
 */
export function startRoutes(app: FastifyInstance, services: Services): void {
  app.post<{Body: StartBody | null}>('/auth/start', {schema: POST_SCHEMA}, async (request, reply) => {
    const started = await startLogin(
      services,
      {provider: request.body?.provider, returnTo: undefined},
      {requestId: request.id, address: request.ip},
    );
    bind(services, started, request, reply);
    return {authorization_url: started.authorizationUrl.href};
  });

  app.get(
    '/auth/start',
    // Nobody who asks for the headers alone begins a login.
    {schema: GET_SCHEMA, exposeHeadRoute: false},
    async (request: FastifyRequest<{Querystring: StartQuery}>, reply) => {
      const {provider, return_to: returnTo} = request.query;
      if (provider === undefined && services.providers.all.length > 1 && wantsPage(request))
        return services.pages.send(reply, 200, choice(services, returnTo));
      const started = await startLogin(
        services,
        {provider, returnTo},
        {requestId: request.id, address: request.ip},
      );
      bind(services, started, request, reply);
      return reply.redirect(started.authorizationUrl.href, 303);
    },
  );
}

function choice(services: Services, returnTo: string | undefined): Page {
  const {login} = services.configuration;
  const target = allowedReturnTo(returnTo, login);
  const {origin, host} = new URL(target ?? login.origin);
  const choices = services.providers.all.map(({settings, health}) => ({
    name: settings.name,
    displayName: settings.displayName,
    reachable: health.state !== 'down',
  }));
  return signInPage(choices, target, origin === login.origin ? undefined : host);
}

/** Only the browser that began this login can end it: the cookie must come back with the callback (RFC 9700, 4.7). */
function bind(services: Services, started: StartedLogin, request: FastifyRequest, reply: FastifyReply): void {
  const {state, binding} = started;
  if (binding === undefined) return;
  const {cookies, configuration} = services;
  const {lifetimeSeconds} = configuration.login;
  void reply.header('set-cookie', cookies.bind(state, binding, lifetimeSeconds, request.headers.cookie));
}

const POST_SCHEMA = {
  body: {type: ['object', 'null'], properties: {provider: providerName}},
  response: {200: {type: 'object', properties: {authorization_url: {type: 'string'}}}},
};

const GET_SCHEMA = {
  querystring: {
    type: 'object',
    properties: {provider: providerName, return_to: {type: 'string', minLength: 1, maxLength: 2048}},
  },
};

import type {FastifyInstance} from 'fastify';
import {decodeState} from '../../login/departure.ts';
import {resolveReturnTo} from '../../login/return-to.ts';
import {SIGNED_OUT_PATH} from '../../pages/addresses.ts';
import {signedOutPage} from '../../pages/signed-out-page.ts';
import type {Services} from '../../services.ts';

interface SignedOutQuery {
  readonly state?: string;
  readonly provider?: string;
  readonly return_to?: string;
}

/**
 * `GET /auth/signed-out`: where a sign-out ends, with or without a session. The provider sends browsers back here, with
 * the `state` that it was given (RP-Initiated Logout, section 3); anyone may make one up, so that what it names is
 * checked as if it were new.
 */
export function signedOutRoute(app: FastifyInstance, services: Services): void {
  const {pages, providers, configuration} = services;
  const {login} = configuration;
  const nameOf = (provider: string | undefined): string | undefined =>
    provider === undefined ? undefined : providers.find(provider)?.settings.displayName;
  const resolve = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : resolveReturnTo(text, login.origin, login.returnToOrigins);

  app.get<{Querystring: SignedOutQuery}>(SIGNED_OUT_PATH, {schema: SCHEMA}, async (request, reply) => {
    const {state: given, provider, return_to: asked} = request.query;
    const state = given === undefined ? undefined : decodeState(given);
    if (state) {
      const returnTo = resolve(state.returnTo);
      if (returnTo !== undefined) return reply.redirect(returnTo, 303);
      return pages.send(reply, 200, signedOutPage({provider: nameOf(state.provider), asked: true}));
    }
    // The provider was not asked. Who has somewhere to go reads that first.
    const returnTo = resolve(asked);
    const {origin, host} = new URL(returnTo ?? login.origin);
    const label = origin === login.origin ? 'Continue' : `Continue to ${host}`;
    return pages.send(
      reply,
      200,
      signedOutPage({
        provider: nameOf(provider),
        asked: false,
        onward: returnTo === undefined ? undefined : {href: returnTo, label},
      }),
    );
  });
}

const SCHEMA = {
  querystring: {
    type: 'object',
    properties: {
      state: {type: 'string', maxLength: 4096},
      provider: {type: 'string', maxLength: 64},
      return_to: {type: 'string', maxLength: 2048},
    },
  },
};

import formbody from '@fastify/formbody';
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import {accountPage} from '../../pages/account-page.ts';
import type {Urgency} from '../../overload/urgency.ts';
import {ACCOUNT_PATH, SIGNED_OUT_PATH, startAddress} from '../../pages/addresses.ts';
import {wantsPage} from '../../pages/pages.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {authenticate} from '../authenticate.ts';
import {bearerToken} from '../bearer.ts';
import {readCookie} from '../cookies.ts';
import {checkFormToken, formToken} from '../form-token.ts';
import {ofSameUser, recordEnded} from '../ended.ts';
import {signOut} from '../sign-out.ts';

/** The pages of a person who is signed in: who they are, their sessions, end one, end all. Plain forms. */
export async function accountRoutes(parent: FastifyInstance, services: Services): Promise<void> {
  await parent.register(async (app) => {
    await app.register(formbody);
    showAccount(app, services);
    takeForms(app, services);
  });
}

interface AccountQuery {
  readonly ended?: string;
}

function showAccount(app: FastifyInstance, services: Services): void {
  const {pages, providers, sessions, clock} = services;
  app.get<{Querystring: AccountQuery}>(ACCOUNT_PATH, async (request, reply) => {
    const signedIn = await signedInPerson(request, services, 'check');
    if (signedIn === undefined) {
      if (!wantsPage(request)) throw new AuthError('session_error', 'no session cookie that is good');
      return reply.redirect(startAddress(ACCOUNT_PATH), 303);
    }
    const {session, cookie} = signedIn;
    const nameOf = (provider: string | undefined): string | undefined =>
      provider === undefined ? undefined : (providers.find(provider)?.settings.displayName ?? provider);
    const page = accountPage({
      name: session.name,
      email: session.email,
      userId: session.userId,
      provider: nameOf(session.provider),
      formToken: formToken(cookie),
      ended: request.query.ended !== undefined,
      now: clock.now() / 1000,
      sessions: (await sessions.ofUser(session.userId)).map((other) => ({
        ...other,
        provider: nameOf(other.provider),
        current: other.id === session.id,
      })),
    });
    return pages.send(reply, 200, page);
  });
}

interface Form {
  readonly form_token: string;
  readonly session?: string;
}

function takeForms(app: FastifyInstance, services: Services): void {
  const {sessions} = services;

  /** Takes a form; where the session has ended already, there is nothing to do but say so. */
  const form = (
    path: string,
    take: (
      signedIn: SignedIn,
      request: FastifyRequest<{Body: Form}>,
      reply: FastifyReply,
    ) => Promise<FastifyReply>,
  ) =>
    app.post<{Body: Form}>(`${ACCOUNT_PATH}${path}`, {schema: FORM_SCHEMA}, async (request, reply) => {
      const signedIn = await signedInPerson(request, services, 'ending');
      if (signedIn === undefined) return reply.redirect(SIGNED_OUT_PATH, 303);
      checkFormToken(request.body.form_token, signedIn.cookie);
      return take(signedIn, request, reply);
    });

  form('/sign-out', (signedIn, request, reply) =>
    signOut(services, request, reply, {...signedIn, everywhere: false}),
  );

  form('/sign-out-everywhere', (signedIn, request, reply) =>
    signOut(services, request, reply, {...signedIn, everywhere: true}),
  );

  form('/end-session', async ({session}, request, reply) => {
    const {session: id = ''} = request.body;
    // One that is not theirs, or has ended already: the list says how it stands.
    if (await sessions.revokeOwn(id, session.userId))
      recordEnded(services, request, 'logout', ofSameUser(session, [id]));
    return reply.redirect(`${ACCOUNT_PATH}?ended=1`, 303);
  });
}

interface SignedIn {
  readonly session: Session;
  readonly cookie: string;
}

/** The session of the cookie: these pages are for browsers, whatever else a request carries. */
async function signedInPerson(
  request: FastifyRequest,
  services: Services,
  urgency: Urgency,
): Promise<SignedIn | undefined> {
  const cookie = readCookie(request.headers.cookie, services.cookies.sessionName);
  if (cookie === undefined || bearerToken(request.headers.authorization) !== undefined) return undefined;
  try {
    return {cookie, session: (await authenticate(request, services, urgency)).session};
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

const FORM_SCHEMA = {
  body: {
    type: 'object',
    required: ['form_token'],
    properties: {
      form_token: {type: 'string', minLength: 1, maxLength: 64},
      session: {type: 'string', maxLength: 64},
    },
  },
};

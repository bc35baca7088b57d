import formbody from '@fastify/formbody';
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {AuthError} from '../../../support/errors.ts';
import {accountPage, signedOutPage} from '../../pages/account-page.ts';
import {ACCOUNT_PATH, SIGNED_OUT_PATH, startAddress} from '../../pages/addresses.ts';
import {wantsPage} from '../../pages/pages.ts';
import type {Services} from '../../services.ts';
import type {Session} from '../../sessions/session.ts';
import {authenticate} from '../authenticate.ts';
import {readCookie} from '../cookies.ts';
import {checkFormToken, formToken} from '../form-token.ts';

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
    const signedIn = await signedInPerson(request, services);
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

  app.get(SIGNED_OUT_PATH, (_request, reply) => pages.send(reply, 200, signedOutPage()));
}

interface Form {
  readonly form_token: string;
  readonly session?: string;
}

function takeForms(app: FastifyInstance, services: Services): void {
  const {sessions, cookies} = services;

  /** Takes a form; where the session has ended already, there is nothing to do but say so. */
  const form = (
    path: string,
    take: (session: Session, request: FastifyRequest<{Body: Form}>, reply: FastifyReply) => Promise<string>,
  ) =>
    app.post<{Body: Form}>(`${ACCOUNT_PATH}${path}`, {schema: FORM_SCHEMA}, async (request, reply) => {
      const signedIn = await signedInPerson(request, services);
      if (signedIn === undefined) return reply.redirect(SIGNED_OUT_PATH, 303);
      checkFormToken(request.body.form_token, signedIn.cookie);
      return reply.redirect(await take(signedIn.session, request, reply), 303);
    });

  form('/sign-out', async (session, request, reply) => {
    if (await sessions.revoke(session.id)) record(services, request, session, [session.id], 'logout');
    void reply.header('set-cookie', cookies.clear(cookies.sessionName));
    return SIGNED_OUT_PATH;
  });

  form('/sign-out-everywhere', async (session, request, reply) => {
    record(services, request, session, await sessions.revokeAll(session.userId), 'logout_all');
    void reply.header('set-cookie', cookies.clear(cookies.sessionName));
    return SIGNED_OUT_PATH;
  });

  form('/end-session', async (session, request) => {
    const own = await sessions.ofUser(session.userId);
    const ended = own.find(({id}) => id === request.body.session);
    // One that is not theirs, or has ended already: the list says how it stands.
    if (ended && (await sessions.revoke(ended.id))) record(services, request, session, [ended.id], 'logout');
    return `${ACCOUNT_PATH}?ended=1`;
  });
}

/** The session of the cookie: these pages are for browsers, whatever else a request carries. */
async function signedInPerson(
  request: FastifyRequest,
  services: Services,
): Promise<{session: Session; cookie: string} | undefined> {
  const cookie = readCookie(request.headers.cookie, services.cookies.sessionName);
  if (cookie === undefined || request.headers.authorization !== undefined) return undefined;
  try {
    return {cookie, session: (await authenticate(request, services)).session};
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

function record(
  services: Services,
  request: FastifyRequest,
  session: Session,
  ended: readonly string[],
  reason: 'logout' | 'logout_all',
): void {
  services.metrics.sessionsRevoked(reason, ended.length);
  for (const id of ended) {
    services.audit.record('session_revoked', {
      requestId: request.id,
      address: request.ip,
      user: session.userId,
      session: id,
      provider: session.provider,
      outcome: 'success',
      reason,
    });
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

// What a refusal tells: a credential that never was is answered as one that was, byte for byte, so that nobody learns by
// asking which sessions there are, or how close a guess came.
import {randomBytes, randomUUID} from 'node:crypto';
import {beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {goodToken, type Good} from '../support/server/access-token.ts';
import {authServer, refresh, someone} from '../support/server/auth-server.ts';
import {holdSession, postForm, type HeldSession} from '../support/server/sessions.ts';

const ENV = {
  REFRESH_REPLAY_WINDOW: '0',
  INTROSPECTION_CLIENT_ID: 'gateway',
  INTROSPECTION_CLIENT_SECRET: 'a secret of the gateway',
};
let server: RunningServer;
let good: Good;
beforeAll(async () => {
  good = await goodToken(ENV);
  server = await authServer(ENV);
});

/** All that an answer says, but for what is another in every answer. */
async function told(answer: Response): Promise<{status: number; headers: unknown; body: string}> {
  const {date: _date, 'x-request-id': id = '', ...headers} = Object.fromEntries(answer.headers);
  return {status: answer.status, headers, body: (await answer.text()).replaceAll(id, 'ID')};
}

async function ended(): Promise<HeldSession> {
  const held = await holdSession(server, {subject: someone()});
  await server.services.sessions.revoke(held.id);
  return held;
}

const unknown = (): string => randomBytes(32).toString('base64url');

describe('an access token', () => {
  const broken = (token: string): string => `${token.slice(0, -8)}AAAAAAAA`;
  /** Signed as ours are, of sessions that never were, or have ended. */
  const signed = async (): Promise<string[]> => [
    await good.forge({claims: {sid: randomUUID()}}),
    await good.forge({claims: {sid: 'no-id'}}),
    (await ended()).access,
  ];
  /** Signed by nobody, of a session that stands, and of those. */
  const forged = async (): Promise<string[]> => [good.token, ...(await signed())].map(broken);
  const late = async (): Promise<string[]> => {
    const [{id}, times] = [await ended(), {exp: 1_000, iat: 1}];
    return Promise.all(
      [good.claims['sid'], randomUUID(), id].map((sid) => good.forge({claims: {...times, sid}})),
    );
  };

  const ROUTES: readonly (readonly [method: string, path: string])[] = [
    ['GET', '/auth/verify'],
    ['GET', '/auth/me'],
    ['GET', '/auth/sessions'],
    ['DELETE', '/auth/sessions/00000000-0000-4000-8000-000000000000'],
    ['POST', '/auth/logout'],
  ];
  it.each(
    [
      {what: 'of no session', tokens: signed},
      {what: 'that is forged', tokens: forged},
      {what: 'that is too old', tokens: late},
    ].flatMap((one) => ROUTES.map(([method, path]) => ({...one, method, path}))),
  )('$what is refused in one way by $method $path', async ({tokens, method, path}) => {
    const answers = [];
    for (const token of await tokens())
      answers.push(
        await told(
          await fetch(`${server.url}${path}`, {method, headers: {authorization: `Bearer ${token}`}}),
        ),
      );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({status: path === '/auth/logout' ? 204 : 401});
  });

  it('is not active in one way', async () => {
    const [client_id, client_secret] = [ENV.INTROSPECTION_CLIENT_ID, ENV.INTROSPECTION_CLIENT_SECRET];
    const ask = async (token: string): ReturnType<typeof told> =>
      told(await postForm(server, '/auth/introspect', {token, client_id, client_secret}));
    const answers = [];
    const tokens = [...(await signed()), ...(await forged()), ...(await late())];
    for (const token of [...tokens, unknown(), (await ended()).refresh]) answers.push(await ask(token));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({status: 200, body: '{"active":false}'});
  });
});

describe('a refresh token', () => {
  /** Never issued; of a session that has ended; used before; a part of one that is good; a session's id. */
  async function wrongOnes(): Promise<string[]> {
    const [used, stands] = [
      await holdSession(server, {subject: someone()}),
      await holdSession(server, {subject: someone()}),
    ];
    expect((await refresh(server, used.refresh)).status).toBe(200);
    return [
      unknown(),
      (await ended()).refresh,
      used.refresh,
      `${stands.refresh.slice(0, -2)}AA`,
      stands.id.replaceAll('-', '').padEnd(43, 'A'),
    ];
  }

  it('is refused in one way', async () => {
    const answers = [];
    for (const token of await wrongOnes()) answers.push(await told(await refresh(server, token)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({status: 401, body: expect.stringContaining('invalid_grant')});
  });

  it('is signed out with in one way, whether there was anything to end or not', async () => {
    const stands = await holdSession(server, {subject: someone()});
    const answers = [];
    for (const token of [...(await wrongOnes()), stands.refresh])
      answers.push(await told(await postForm(server, '/auth/logout', {refresh_token: token})));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({status: 204});
  });
});

it("a browser's cookie is refused in one way", async () => {
  const {cookies, sessions} = server.services;
  const over = await sessions.create(
    {
      provider: 'oidc',
      issuer: 'https://id.example.com',
      subject: someone(),
      email: undefined,
      name: undefined,
    },
    'cookie',
  );
  await sessions.revoke(over.session.id);
  const stands = await holdSession(server, {subject: someone()});
  for (const path of ['/auth/verify', '/auth/me']) {
    const answers = [];
    // The last is a good secret of another kind.
    for (const secret of [unknown(), over.secret, stands.refresh])
      answers.push(
        await told(await fetch(server.url + path, {headers: {cookie: `${cookies.sessionName}=${secret}`}})),
      );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({status: 401});
  }
});

it("another's session and one that never was are not found in one way", async () => {
  const theirs = await holdSession(server, {subject: someone()});
  const gone = await ended();
  const headers = {authorization: `Bearer ${good.token}`};
  const answers = [];
  for (const id of [theirs.id, gone.id, randomUUID(), 'no-id'])
    answers.push(await told(await fetch(`${server.url}/auth/sessions/${id}`, {method: 'DELETE', headers})));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({status: 404});
});

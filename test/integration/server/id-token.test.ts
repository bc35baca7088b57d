import {decodeJwt} from 'jose';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {signIn} from '../../support/login.ts';
import {dumpTables, standsIn} from '../../support/tables.ts';
import {
  confirm,
  HTML,
  onward,
  personAt,
  signInOf,
  signOut,
  type Person,
  type SignIn,
} from './support/person.ts';
import {browserAt, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
});
afterAll(() => stack.close());

const signedIn = (user: string): Promise<Person> => personAt(server, user);

const rowOf = (person: Person): Promise<SignIn | undefined> => signInOf(stack.database, person);

describe('the ID token', () => {
  it('is kept sealed to the cookie: the tables hold nothing of it, and it goes with the session', async () => {
    const person = await signedIn('ivan');
    const row = await rowOf(person);
    expect(row?.id_token_sealed?.length).toBeGreaterThan(300);
    const tables = await dumpTables(stack.database);
    expect(tables).toContain('ivan@example.com');
    const page = await signOut(person);
    const token = onward(page).searchParams.get('id_token_hint') ?? '';
    expect(token.length).toBeGreaterThan(300);
    for (const part of token.split('.')) {
      expect(standsIn(part, tables)).toBe(false);
      // Not a piece of it either, wherever it begins.
      for (let start = 0; start + 12 <= part.length; start += 12)
        expect(standsIn(part.slice(start, start + 12), tables)).toBe(false);
    }
    expect(standsIn(person.secret, tables)).toBe(false);
    expect(await rowOf(person)).toBeUndefined();
    expect(stack.logs.join('')).not.toContain(token.split('.')[1]);
  });

  it('is not kept of a login that gives tokens', async () => {
    const browser = browserAt(() => server);
    const start = await browser.visit(`${PUBLIC_URL}/auth/start`);
    const back = await signIn(browser, start.location ?? new URL(PUBLIC_URL), {
      baseUrl: PUBLIC_URL,
      user: 'judy',
    });
    const {access_token: token} = JSON.parse((await browser.visit(back)).body) as {access_token: string};
    const {sid} = decodeJwt(token) as {sid: string};
    const {rows} = await stack.database.asSuperuser(
      `SELECT * FROM _system.sign_ins WHERE session_id = '${sid}' AND id_token_sealed IS NOT NULL`,
    );
    expect(rows).toEqual([]);
  });

  it.each([
    ['is not there, as of older sessions', `DELETE FROM _system.sign_ins`],
    ['cannot be opened', `UPDATE _system.sign_ins SET id_token_sealed = '\\x00'`],
  ])('%s: client_id and logout_hint serve, and the provider knows us', async (_name, sql) => {
    const person = await signedIn('kim');
    await stack.database.asSuperuser(sql);
    const url = onward(await signOut(person));
    expect(url.searchParams.has('id_token_hint')).toBe(false);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: 'auth-server',
      logout_hint: 'kim@example.com',
      post_logout_redirect_uri: `${PUBLIC_URL}/auth/signed-out`,
    });
    expect((await confirm(person, url)).status).toBe(200);
  });

  const tokenOf = (claims: object): string =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

  it.each([
    ['of another issuer', {iss: 'https://other.example', aud: 'auth-server'}],
    ['for another client', {iss: 'ours', aud: ['another']}],
    ['too long for an address', {iss: 'ours', aud: 'auth-server', long: 'x'.repeat(4096)}],
  ])('%s is told to nobody', async (_name, claims) => {
    const iss = claims.iss === 'ours' ? stack.provider.issuer : claims.iss;
    const identity = {
      provider: 'oidc',
      issuer: iss,
      subject: 'leo',
      email: 'leo@example.com',
      name: undefined,
    };
    const idToken = tokenOf({...claims, iss});
    const {secret} = await server.services.sessions.create(identity, 'cookie', {idToken});
    const answer = await fetch(`${server.url}/auth/logout`, {
      method: 'POST',
      headers: {...HTML, cookie: `fraiseql-session=${secret}`},
    });
    const page = await answer.text();
    expect(page).toContain('logout_hint=leo%40example.com');
    expect(page).not.toContain('id_token_hint');
  });

  it('names what Microsoft wants as its hint (the claim login_hint)', async () => {
    const [provider] = server.services.providers.all;
    const idToken = tokenOf({iss: stack.provider.issuer, aud: 'auth-server', login_hint: 'O.abc'});
    const answer = provider?.endSessionUrl({state: 'x', email: 'mia@example.com', idToken});
    if (!answer || !('url' in answer)) throw new Error('no address');
    expect(answer.url.searchParams.get('logout_hint')).toBe('O.abc');
  });
});

describe('GET /auth/sessions', () => {
  it('tells what signed in, in words, and nothing more is kept of it', async () => {
    const person = await signedIn('nina');
    const list = JSON.parse((await person.browser.visit(`${PUBLIC_URL}/auth/sessions`)).body) as unknown[];
    expect(list).toMatchObject([{user_agent: 'Firefox on Linux', current: true}]);
    expect((await rowOf(person))?.user_agent).toBe('Firefox on Linux');
  });
});

import type {RunningServer} from '../../../../src/server/server.ts';
import {cookieHashOf} from '../../../../src/server/sessions/secrets.ts';
import {formOf, type Answer, type Browser} from '../../../support/browser.ts';
import {signIn} from '../../../support/login.ts';
import {browserAt, PUBLIC_URL, type Stack} from '../../../support/server/stack.ts';

// A person with a browser, who signs in and out.

/** What a browser accepts. */
export const HTML = {accept: 'text/html,*/*;q=0.8'};

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';

/** Somebody who is signed in by cookie. */
export interface Person {
  readonly browser: Browser;
  /** What its session cookie holds, and as the header. */
  readonly secret: string;
  readonly cookie: string;
}

/** Signs in at that server; `query` is added to where the login begins. */
export async function personAt(at: RunningServer, user: string, query = ''): Promise<Person> {
  const browser = browserAt(() => at);
  const address = `${PUBLIC_URL}/auth/start?return_to=/auth/me${query}`;
  const start = await browser.visit(address, {headers: {'user-agent': FIREFOX}});
  if (!start.location) throw new Error(`no location: ${start.body}`);
  const back = await signIn(browser, start.location, {baseUrl: PUBLIC_URL, user});
  await browser.visit(back, {headers: {'user-agent': FIREFOX}});
  const [cookie] = await browser.jar.getCookies(PUBLIC_URL);
  return {browser, secret: cookie?.value ?? '', cookie: `${cookie?.key ?? ''}=${cookie?.value ?? ''}`};
}

/** As the button of a page of ours does. */
export const signOut = ({browser}: Person, form: Record<string, string> = {}): Promise<Answer> =>
  browser.visit(`${PUBLIC_URL}/auth/logout`, {form, headers: HTML});

/** Where the page sends the browser by itself. */
export function onward(page: Answer): URL {
  const [, url = ''] = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(page.body) ?? [];
  return new URL(url.replaceAll('&amp;', '&'));
}

/** Says yes to the provider's question, and follows until something else than a redirect comes. */
export async function confirm({browser}: Person, url: URL): Promise<Answer> {
  let answer = await browser.visit(url);
  while (answer.location?.origin !== PUBLIC_URL) {
    const form = formOf(answer);
    if (!form) throw new Error(`no form: ${answer.status} ${answer.body}`);
    answer = await browser.visit(form.action, {form: {...form.fields, logout: 'yes'}});
  }
  return browser.visit(answer.location, {headers: HTML});
}

/** What is kept of a sign-in. */
export interface SignIn {
  readonly user_agent: string;
  readonly id_token_sealed: Buffer | null;
}

/** The row of the sign-in that this person's session came from, while there is one. */
export async function signInOf(database: Stack['database'], {secret}: Person): Promise<SignIn | undefined> {
  const {rows} = await database.asSuperuser(
    `SELECT i.* FROM _system.sign_ins i JOIN _system.sessions s ON s.id = i.session_id
     WHERE s.refresh_token_hash = '${cookieHashOf(secret)}'`,
  );
  return (rows as SignIn[])[0];
}

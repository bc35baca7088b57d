// A login by the authorization code flow, with the redirects, cookies and forms that a person's browser would see.
// The steps stand apart, so that a test can do harm between them.
import {Browser, formOf, type Answer, type BrowserOptions} from './browser.ts';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly expires_in: number;
}

export interface LoginOptions extends BrowserOptions {
  /** The auth server's public URL. */
  readonly baseUrl: string;
  /** The provider's name in the configuration; where there is only one it can be left out. */
  readonly provider?: string;
  readonly user: string;
  readonly password?: string;
}

/** An answer other than the one that this step of a login needs. */
class LoginError extends Error {
  readonly answer: Answer;

  constructor(step: string, answer: Answer) {
    super(
      `${step}: ${answer.url.origin}${answer.url.pathname} answered ${answer.status}: ${answer.body.slice(0, 500)}`,
    );
    this.name = 'LoginError';
    this.answer = answer;
  }
}

/** Step 1: asks the auth server to begin; the answer is the provider's address for this login. */
export async function startLogin(
  browser: Browser,
  options: Pick<LoginOptions, 'baseUrl' | 'provider'>,
): Promise<URL> {
  const answer = await browser.visit(new URL('/auth/start', options.baseUrl), {
    json: options.provider === undefined ? {} : {provider: options.provider},
  });
  if (answer.status !== 200) throw new LoginError('start', answer);
  const {authorization_url: address} = JSON.parse(answer.body) as {authorization_url: string};
  return new URL(address);
}

/**
 * Step 2: signs in at the provider and allows what is asked, until the provider sends us back. The answer is the
 * address of our own callback, not yet visited.
 */
export async function signIn(
  browser: Browser,
  authorizationUrl: URL,
  options: Pick<LoginOptions, 'baseUrl' | 'user' | 'password'>,
): Promise<URL> {
  const home = new URL(options.baseUrl).origin;
  let answer = await browser.visit(authorizationUrl);
  for (let hops = 0; hops < 20; hops++) {
    if (answer.location !== undefined) {
      if (answer.location.origin === home) return answer.location;
      answer = await browser.visit(answer.location);
      continue;
    }
    const form = formOf(answer);
    if (answer.status !== 200 || form === undefined) throw new LoginError('sign-in', answer);
    const filled: Record<string, string> = {...form.fields};
    if ('user' in filled) filled['user'] = options.user;
    if ('username' in filled) filled['username'] = options.user;
    if ('password' in filled) filled['password'] = options.password ?? 'correct horse battery staple';
    answer = await browser.visit(form.action, {form: filled});
  }
  throw new LoginError('sign-in goes round in circles', answer);
}

/** Step 3: brings the provider's answer to our callback; the tokens. */
export async function finishLogin(browser: Browser, callbackUrl: URL): Promise<Tokens> {
  const answer = await browser.visit(callbackUrl);
  if (answer.status !== 200) throw new LoginError('callback', answer);
  return JSON.parse(answer.body) as Tokens;
}

/** A whole login. Rejects with `LoginError` at the first step that did not go through. */
export async function login(options: LoginOptions): Promise<Tokens & {browser: Browser}> {
  const browser = new Browser(options);
  const authorizationUrl = await startLogin(browser, options);
  const callbackUrl = await signIn(browser, authorizationUrl, options);
  return {...(await finishLogin(browser, callbackUrl)), browser};
}

import type {AuthError} from '../../support/errors.ts';
import type {Page} from './document.ts';
import {html, type Html} from './html.ts';
import {ACCOUNT_PATH, startAddress} from './addresses.ts';

export interface ErrorPageOptions {
  readonly error: AuthError;
  readonly requestId: string;
  /** Where the login that failed would have led. */
  readonly returnTo: string | undefined;
  /** Whether it answers a form of our own pages. */
  readonly isForm: boolean;
}

/** What went wrong, in plain words, what to do next, and the id to quote. */
export function errorPage(options: ErrorPageOptions): Page {
  const {title, text, action} = advice(options);
  return {
    title,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      ${action === undefined ? undefined : html`<p class="actions"><a class="button main" href="${action.href}">${action.label}</a></p>`}`,
    footer: html`If you ask for help, quote this request id:<br /><code>${options.requestId}</code>`,
  };
}

interface Advice {
  readonly title: string;
  readonly text: Html | string;
  readonly action?: {readonly label: string; readonly href: string};
}

function advice(options: ErrorPageOptions): Advice {
  const {error, returnTo = ACCOUNT_PATH} = options;
  const {code, status} = error;
  const again = (label: string) => ({label, href: startAddress(returnTo)});
  const seconds = error.headers['retry-after'];
  if (status === 429 || code === 'rate_limited')
    return {
      title: 'Too many attempts',
      text: `Please wait ${seconds === undefined ? 'a minute' : waiting(Number(seconds))}, then try again.`,
      action: again('Try again'),
    };
  if (status === 502)
    return {
      title: 'The sign-in service cannot be reached',
      text: 'The identity provider does not answer at the moment. Nothing is wrong with your account. Please wait a minute, then try again.',
      action: again('Try again'),
    };
  if (status >= 500)
    return {
      title: error.message,
      text: 'This is on our side, and it may pass by itself. Please wait a minute, then try again.',
      action: again('Try again'),
    };
  if (code === 'forbidden' && options.isForm)
    return {
      title: 'This page is out of date',
      text: 'You may have signed in again since it was opened. Nothing was changed. Open your account and try again.',
      action: {label: 'Go to your account', href: ACCOUNT_PATH},
    };
  if (code === 'forbidden')
    return {
      title: error.message,
      text: 'Your account is not allowed here. Sign in with another one, or ask the administrator.',
      action: again('Sign in with another account'),
    };
  if (status === 404 || status === 405)
    return {
      title: 'There is nothing here',
      text: 'Please check the address.',
      action: {label: 'Go to your account', href: ACCOUNT_PATH},
    };
  if (code === 'invalid_state' || code === 'pkce_error')
    return {
      title: 'The sign-in did not complete',
      text: 'It took too long, was finished already, was begun in another browser, or many were begun after it. Please begin again.',
      action: again('Sign in again'),
    };
  if (code === 'oauth_error')
    return {
      title: 'The sign-in did not complete',
      text: 'It was cancelled, or the identity provider refused it. You can begin again.',
      action: again('Sign in again'),
    };
  if (status === 401)
    return {
      title: 'You are not signed in',
      text: 'Your session has ended, or there was none. Please sign in.',
      action: again('Sign in'),
    };
  return {
    title: 'This request cannot be answered',
    text: `${error.message}. Please go back to where you came from and try again.`,
  };
}

function waiting(seconds: number): string {
  if (seconds <= 90) return seconds === 1 ? 'a second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

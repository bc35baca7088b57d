import {ACCOUNT_PATH, startAddress} from './addresses.ts';
import type {Page} from './document.ts';
import {html, type Html} from './html.ts';

/** How it stands with the session at the provider, once the one here has ended. */
export interface SignedOut {
  /** The provider's name for people, where it is known. */
  readonly provider: string | undefined;
  /** Whether it was asked to end its session, and sent the browser back. */
  readonly asked: boolean;
  /** Where the person goes on to. */
  readonly onward?: {readonly href: string; readonly label: string} | undefined;
}

/** The end of a sign-out. It claims no more than is known: what a provider did, only the provider knows. */
export function signedOutPage({provider, asked, onward}: SignedOut): Page {
  return {
    title: 'You are signed out',
    main: html`<h1>You are signed out</h1>
      <p>${advice(provider, asked)}</p>
      <p class="actions">
        ${onward && html`<a class="button main" href="${onward.href}">${onward.label}</a>`}
        <a class="button" href="${startAddress(ACCOUNT_PATH)}">Sign in again</a>
      </p>`,
  };
}

function advice(provider: string | undefined, asked: boolean): Html | string {
  if (provider === undefined)
    return 'Your session here has ended. The identity provider may still know you: on a computer that others use, sign out there too.';
  return asked
    ? html`Your session here has ended, and <strong>${provider}</strong> was asked to sign you out there too.`
    : html`Your session here has ended. You may still be signed in at <strong>${provider}</strong>, which
        could not be asked to sign you out: on a computer that others use, sign out there too.`;
}

/**
 * The step on the way to the provider: a page, and not a redirect of the form, because Chromium holds every redirect
 * that follows a form against the form-action of the page with the form (CSP 3, section 6.4.2), and through which hosts
 * a provider leads nobody can list.
 */
export function signingOutPage(provider: string, url: URL): Page {
  return {
    title: 'Signing out',
    onward: url,
    main: html`<h1>Signing out</h1>
      <p>Your session here has ended. Now <strong>${provider}</strong> is asked to sign you out there too.</p>
      <p class="actions"><a class="button main" href="${url.href}">Go on to ${provider}</a></p>`,
  };
}

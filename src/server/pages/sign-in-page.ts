import type {Page} from './document.ts';
import {html} from './html.ts';
import {startAddress} from './addresses.ts';

export interface SignInChoice {
  readonly name: string;
  readonly displayName: string;
  /** False where the provider is known to be away at the moment. */
  readonly reachable: boolean;
}

/**
 * The choice of a provider. Links, not a form: a form's redirect to the provider would have to be allowed by the policy
 * for each provider's address.
 */
export function signInPage(
  choices: readonly SignInChoice[],
  /** As it was asked for, and found allowed. */
  returnTo: string | undefined,
  /** The host of `returnTo`, where it is another than ours. */
  destination: string | undefined,
): Page {
  const choice = ({name, displayName, reachable}: SignInChoice) =>
    html`<li>
      <a class="button" href="${startAddress(returnTo, name)}">
        <span class="mark" aria-hidden="true">${initial(displayName)}</span>
        <span
          >Continue with
          ${displayName}${reachable ? undefined : html`<small>Does not answer at the moment</small>`}</span
        ></a
      >
    </li> `;
  return {
    title: 'Sign in',
    main: html`<h1>Sign in</h1>
      <p class="muted">
        ${destination === undefined ? 'Choose how you want to sign in.' : html`Choose how you want to sign in. You will go on to <strong>${destination}</strong>.`}
      </p>
      <nav aria-label="Ways to sign in">
        <ul class="choices">
          ${choices.map(choice)}
        </ul>
      </nav>`,
  };
}

/** The first letter, whatever script it is of. */
function initial(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first?.segment.toUpperCase() ?? '?';
}

import {ago} from './ago.ts';
import {ACCOUNT_PATH} from './addresses.ts';
import type {Page} from './document.ts';
import {html, type Html} from './html.ts';

interface AccountSession {
  readonly id: string;
  readonly provider: string | undefined;
  /** Seconds since the epoch, like all times here. */
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly expiresAt: number;
  /** What signed in: "Firefox on Linux"; unknown for older sessions. */
  readonly userAgent: string | undefined;
  /** Whether it is the one that looks at the page. */
  readonly current: boolean;
}

export interface Account {
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly userId: string;
  readonly provider: string | undefined;
  readonly sessions: readonly AccountSession[];
  readonly formToken: string;
  /** Whether a session was ended a moment ago. */
  readonly ended: boolean;
  readonly now: number;
}

/** Who someone is, where they are signed in, and how to end that. */
export function accountPage(account: Account): Page {
  const {name, email, userId, provider, sessions, ended} = account;
  const row = (term: string, value: string | undefined): Html | undefined =>
    value === undefined
      ? undefined
      : html`<dt>${term}</dt>
          <dd>${value}</dd>`;
  const others = sessions.length > 1;
  return {
    title: 'Your account',
    wide: true,
    forms: true,
    main: html`${ended ? html`<p class="notice" role="status">That session has ended.</p>` : undefined}
      <h1>Your account</h1>
      <dl>
        ${row('Name', name)}${row('E-mail', email)}${name === undefined && email === undefined ? row('User', userId) : undefined}${row('Signed in with', provider)}
      </dl>
      <div class="actions">${form(account, 'sign-out', 'Sign out', 'main')}</div>
      <h2 id="sessions">Your sessions</h2>
      <p class="muted small">Where you are signed in at the moment. End a session that you do not know.</p>
      <ul class="sessions" aria-labelledby="sessions">
        ${[...sessions].sort(currentFirst).map((session) => sessionItem(account, session))}
      </ul>
      ${others ? html`<div class="actions">${form(account, 'sign-out-everywhere', 'Sign out everywhere')}</div>` : undefined}`,
  };
}

const currentFirst = (one: AccountSession, other: AccountSession): number =>
  Number(other.current) - Number(one.current);

function sessionItem(account: Account, session: AccountSession): Html {
  const {now} = account;
  const {id, provider, createdAt, lastUsedAt, expiresAt, userAgent, current} = session;
  const description = `s-${id}`;
  const used = current ? now : lastUsedAt;
  return html`<li>
    <div id="${description}">
      <p>
        <strong>${userAgent ?? html`Signed in ${time(createdAt, now)}`}</strong
        >${current ? html` <span class="badge">This browser</span>` : undefined}
      </p>
      <p class="muted small">
        ${provider === undefined ? undefined : `With ${provider} · `}${userAgent === undefined ? undefined : html`signed in ${time(createdAt, now)} · `}${used === undefined ? undefined : html`last used ${time(used, now)} · `}ends
        ${time(expiresAt, now)}
      </p>
    </div>
    ${current ? undefined : form(account, 'end-session', 'End session', undefined, {session: id, description})}
  </li>`;
}

function form(
  account: Account,
  action: string,
  label: string,
  style?: 'main',
  about?: {readonly session: string; readonly description: string},
): Html {
  const session = about && html`<input type="hidden" name="session" value="${about.session}" />`;
  const description = about && html` aria-describedby="${about.description}"`;
  return html`<form method="post" action="${ACCOUNT_PATH}/${action}">
    <input type="hidden" name="form_token" value="${account.formToken}" />${session}<button
      class="button${style && ' main'}"
      ${description}
    >
      ${label}
    </button>
  </form>`;
}

/** The machine's form has the exact time; the person's is told from now, for the server knows no time zone of theirs. */
function time(seconds: number, now: number): Html {
  const date = new Date(seconds * 1000).toISOString();
  return html`<time datetime="${date}" title="${`${date.slice(0, 16).replace('T', ' ')} UTC`}"
    >${ago(seconds, now)}</time
  >`;
}

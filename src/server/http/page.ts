import {createHash} from 'node:crypto';

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem}' +
  'h1{font-size:1.4rem}small{opacity:.7}';

/** The policy of our pages: no script, no picture, only this style. */
export const PAGE_POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What a person in a browser sees of an error: what happened, what to do next, and the id to quote. */
export function errorPage(status: number, message: string, requestId: string): string {
  const {title, next} = advice(status, message);
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${escape(title)}</title><style>${STYLE}</style></head><body><main><h1>${escape(title)}</h1>` +
    `<p>${next}</p><p><small>Request id: <code>${escape(requestId)}</code></small></p></main></body></html>`
  );
}

const START = '<a href="/auth/start">Sign in again</a>';

function advice(status: number, message: string): {title: string; next: string} {
  if (status === 502)
    return {
      title: 'The sign-in service cannot be reached',
      next: `The identity provider does not answer at the moment. Please wait a minute. ${START}.`,
    };
  if (status >= 500)
    return {
      title: message,
      next: 'This is on our side, and it may pass by itself. Please try again in a minute.',
    };
  if (status === 403)
    return {
      title: message,
      next: 'Your account is not allowed here. Sign in with another one, or ask the administrator.',
    };
  if (status === 404 || status === 405)
    return {title: 'There is nothing here', next: `Please check the address. ${START}.`};
  if (message === 'Authentication failed')
    return {
      title: 'The sign-in did not complete',
      next: `It may have taken too long, or been used already, or the provider refused it. ${START}.`,
    };
  return {title: 'This request cannot be answered', next: `${escape(message)}.`};
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

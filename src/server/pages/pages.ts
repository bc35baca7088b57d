import type {FastifyReply, FastifyRequest} from 'fastify';
import type {Branding} from '../../support/configuration/configuration.ts';
import {policyOf, renderPage, type Page} from './document.ts';
import {themeOf, type Theme} from './theme.ts';

/** The pages that this server shows to people, dressed in the theme of its configuration. */
export class Pages {
  readonly #host: string;
  #theme: Theme;

  /** `origin` is where browsers meet this server. */
  constructor(branding: Branding, origin: string) {
    this.#host = new URL(origin).host;
    this.#theme = themeOf(branding, this.#host);
  }

  /** Takes over another name, logo or colour. */
  rebrand(branding: Branding): void {
    this.#theme = themeOf(branding, this.#host);
  }

  send(reply: FastifyReply, status: number, page: Page): FastifyReply {
    void reply.code(status).header('content-security-policy', policyOf(this.#theme, page));
    // Under no-referrer a form's post says `Origin: null`, even to its own server (Fetch, "append a request Origin header").
    if (page.forms === true) void reply.header('referrer-policy', 'same-origin');
    return reply.type('text/html; charset=utf-8').serializer(String).send(renderPage(this.#theme, page));
  }
}

/** Whether a person looks at the answer: a browser that goes to an address prefers HTML; fetch and curl do not. */
export function wantsPage(request: FastifyRequest): boolean {
  const accept = request.headers.accept?.toLowerCase() ?? '';
  const page = weightOf('text/html', accept);
  return page > 0 && page >= weightOf('application/json', accept);
}

/** How much that very type is wanted (RFC 9110, section 12.5.1): 0 where it is not named. */
function weightOf(type: string, accept: string): number {
  for (const range of accept.split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((each) => each.startsWith('q='))?.slice(2);
    return weight === undefined ? 1 : Number(weight) || 0;
  }
  return 0;
}

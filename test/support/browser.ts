// A browser, as far as a login needs one: cookies by the rules of RFC 6265, redirects one at a time, HTML forms.
import {CookieJar} from 'tough-cookie';
import {request, type Dispatcher} from 'undici';

export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Where it sends us next, resolved against `url`. */
  readonly location: URL | undefined;
}

export interface Visit {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
}

export interface BrowserOptions {
  /**
   * Where an address as the person sees it is really served, as an edge proxy would send it on. Undefined: as it is.
   * The Host header keeps what the person sees; X-Forwarded-Proto and X-Forwarded-Host say it too.
   */
  readonly route?: (url: URL) => URL | undefined | Promise<URL | undefined>;
  /** Cookies to go on with: the same person, whom the edge now sends elsewhere. */
  readonly jar?: CookieJar;
  readonly dispatcher?: Dispatcher;
  /** Deadline of one request. */
  readonly timeoutMs?: number;
  /** Told of every answer, in order. */
  readonly onAnswer?: (method: string, answer: Answer) => void;
}

/** One person's browser: it keeps its cookies; it follows nothing by itself. */
export class Browser {
  readonly jar: CookieJar;
  readonly #options: BrowserOptions;

  constructor(options: BrowserOptions = {}) {
    this.jar = options.jar ?? new CookieJar();
    this.#options = options;
  }

  /** One request. Rejects when no answer comes within the deadline; any status is an answer. */
  async visit(address: URL | string, visit: Visit = {}): Promise<Answer> {
    const url = new URL(address);
    const target = (await this.#options.route?.(url)) ?? url;
    const method = visit.method ?? (visit.json === undefined && visit.form === undefined ? 'GET' : 'POST');
    const headers: Record<string, string> = {host: url.host, ...visit.headers};
    if (target !== url) {
      headers['x-forwarded-proto'] = url.protocol.slice(0, -1);
      headers['x-forwarded-host'] = url.host;
    }
    const cookie = await this.jar.getCookieString(url.href);
    if (cookie !== '') headers['cookie'] = cookie;
    let body: string | undefined;
    if (visit.json !== undefined) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(visit.json);
    } else if (visit.form !== undefined) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      body = new URLSearchParams(visit.form).toString();
    }
    const response = await request(target, {
      method,
      headers,
      body: body ?? null,
      signal: AbortSignal.timeout(this.#options.timeoutMs ?? 15_000),
      ...(this.#options.dispatcher === undefined ? {} : {dispatcher: this.#options.dispatcher}),
    });
    for (const line of [response.headers['set-cookie'] ?? []].flat()) {
      await this.jar.setCookie(line, url.href);
    }
    const location = response.headers['location'];
    const answer: Answer = {
      url,
      status: response.statusCode,
      headers: flatten(response.headers),
      body: await response.body.text(),
      location: typeof location === 'string' ? new URL(location, url) : undefined,
    };
    this.#options.onAnswer?.(method, answer);
    return answer;
  }
}

export interface Form {
  readonly id: string;
  readonly action: URL;
  readonly fields: Readonly<Record<string, string>>;
}

/** The page's first form, with the fields that it already fills in; undefined where there is none. */
export function formOf(answer: Answer): Form | undefined {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(answer.body);
  if (form === null) return undefined;
  const [, attributes = '', inside = ''] = form;
  const fields: Record<string, string> = {};
  for (const [, input = ''] of inside.matchAll(/<input\b([^>]*)>/gi)) {
    const name = attribute(input, 'name');
    if (name !== undefined) fields[name] = attribute(input, 'value') ?? '';
  }
  return {
    id: attribute(attributes, 'id') ?? '',
    action: new URL(attribute(attributes, 'action') ?? '', answer.url),
    fields,
  };
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(text)?.[1];
  return value?.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = [value].flat().join(', ');
  }
  return flat;
}

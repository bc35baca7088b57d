import {connect as connectTcp, type Socket} from 'node:net';
import {connect as connectTls} from 'node:tls';

/** One answer of the server that is attacked, as it came over the wire. */
export interface Answer {
  /** 0: the connection was closed or reset without an answer, or none came in time. */
  readonly status: number;
  /** By lower-case name; several of one name are joined by a line feed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How many answers came on the connection. */
  readonly count: number;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const DEADLINE_MS = 5_000;
const MAX_BYTES = 1_048_576;
/** Never faster than this, so that an attack is a test and no load. */
const PAUSE_MS = 20;

/**
 * The server under attack. Requests are written byte by byte and not by an HTTP client, which would put right what is
 * wrong on purpose; one connection each, one after another, with a pause between them.
 */
export class Target {
  readonly url: URL;
  #last: Promise<unknown> = Promise.resolve();
  #asked = 0;

  constructor(url: URL) {
    this.url = url;
  }

  /** Requests made so far. */
  get asked(): number {
    return this.#asked;
  }

  get loopback(): boolean {
    return isLoopback(this.url.hostname);
  }

  /** A request for that path, which is sent as it is spelled. */
  ask(path: string, ask: Ask = {}): Promise<Answer> {
    return this.send(this.#request(path, ask));
  }

  #request(path: string, {method = 'GET', headers = {}, body}: Ask): string {
    const all: Record<string, string> = {
      host: this.url.host,
      connection: 'close',
      'user-agent': 'fraiseql-auth attack',
      ...(body === undefined ? {} : {'content-length': String(Buffer.byteLength(body))}),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
  }

  /** Sends these bytes on a connection of their own, and reads what comes until it ends. */
  send(bytes: string): Promise<Answer> {
    const turn = this.#last.then(async () => {
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSE_MS);
      });
      this.#asked++;
      return this.#exchange(bytes);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** The same request so many times at once, each on a connection of its own. */
  async together(times: number, path: string, ask: Ask): Promise<Answer[]> {
    await this.#last;
    this.#asked += times;
    return Promise.all(Array.from({length: times}, () => this.#exchange(this.#request(path, ask))));
  }

  /** An open connection; the caller ends it. */
  connect(): Socket {
    const {hostname, port, protocol} = this.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const secure = protocol === 'https:';
    const where = {host, port: Number(port === '' ? (secure ? 443 : 80) : port)};
    // The certificate is the clients' to check: here it may be one for tests.
    return secure
      ? connectTls({...where, rejectUnauthorized: false, ...(/[a-z]/i.test(host) && {servername: host})})
      : connectTcp(where);
  }

  #exchange(bytes: string): Promise<Answer> {
    const socket = this.connect();
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(parse(Buffer.concat(chunks).toString('latin1')));
      };
      const timer = setTimeout(end, DEADLINE_MS);
      // A reset after an answer is an answer.
      socket.on('error', end).on('close', end);
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_BYTES) end();
      });
      socket.write(Buffer.from(bytes, 'latin1'));
    });
  }
}

/** Whether a URL's host is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function parse(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`;
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0);
  const count = [...text.matchAll(/(?:^|\n|\})HTTP\/1\.[01] \d{3} /g)].length;
  return {status, headers, body: rest.join('\r\n\r\n'), count};
}

// The load: connections that each send their next request when the last is answered. Plain sockets and the least of
// HTTP, so that on two cores the generator takes little of what it measures.
import {connect, type Socket} from 'node:net';

/** One client's part: what it sends next, and what it learns from the answer. */
export interface Exchange {
  /** The whole request, headers and body, in Latin-1. */
  request(): string;
  answered?(body: string): void;
}

interface LoadOptions {
  readonly port: number;
  /** One connection each. */
  readonly exchanges: readonly Exchange[];
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Called when the warm-up is over, and when the measuring is. */
  readonly onPhase: (phase: 'measuring' | 'over') => void;
}

/** Milliseconds of each answer in the time measured, ascending, and that time. Rejects at the first answer but 200. */
export interface Load {
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** A client that hears nothing for this long gives up. */
const SILENT_MS = 10_000;

export async function load(options: LoadOptions): Promise<Load> {
  const latenciesMs: number[] = [];
  let phase: 'warming' | 'measuring' | 'over' = 'warming';
  let started = 0;
  let ended = 0;
  const warm = setTimeout(() => {
    phase = 'measuring';
    started = performance.now();
    options.onPhase('measuring');
  }, options.warmUpMs);
  const over = setTimeout(() => {
    phase = 'over';
    ended = performance.now();
    options.onPhase('over');
  }, options.warmUpMs + options.measureMs);
  const clients = options.exchanges.map((exchange) =>
    client(options.port, exchange, (ms) => {
      if (phase === 'measuring') latenciesMs.push(ms);
      return phase !== 'over';
    }),
  );
  try {
    await Promise.all(clients);
  } finally {
    clearTimeout(warm);
    clearTimeout(over);
  }
  return {latenciesMs: latenciesMs.sort((one, other) => one - other), seconds: (ended - started) / 1000};
}

/** Sends request after request for as long as `onAnswer`, told the milliseconds of each, says so. */
function client(port: number, exchange: Exchange, onAnswer: (ms: number) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({port, host: '127.0.0.1', noDelay: true});
    let text = '';
    let sentAt = 0;
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(why));
    };
    const send = (): void => {
      sentAt = performance.now();
      socket.write(exchange.request(), 'latin1');
    };
    socket.setTimeout(SILENT_MS, () => fail(`no answer in ${SILENT_MS} ms`));
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const body = bodyOf(text);
      if (body === undefined) return;
      if (!text.startsWith('HTTP/1.1 200 ')) {
        fail(`not 200 but: ${text.slice(0, 400)}`);
        return;
      }
      text = '';
      const ms = performance.now() - sentAt;
      exchange.answered?.(body);
      if (onAnswer(ms)) send();
      else finish(socket, resolve);
    });
  });
}

function finish(socket: Socket, done: () => void): void {
  socket.removeAllListeners('close');
  socket.end();
  done();
}

/** The body of an answer that has come in whole; undefined before. One with chunks is not taken apart. */
function bodyOf(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const headers = text.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(headers)?.[1];
  const body = text.slice(end + 4);
  if (length !== undefined) return body.length >= Number(length) ? body : undefined;
  return body.endsWith('0\r\n\r\n') || / 204 /.test(headers.slice(0, 13)) ? body : undefined;
}

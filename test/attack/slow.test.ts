// Clients that never come to an end, to keep connections and memory of the server for themselves: many at once, bounded in
// time. The server is less patient here than it is by itself, so that the test is not as patient as the attacker.
import {connect, type Socket} from 'node:net';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {someone, statusOf, theWorld} from '../support/server/auth-server.ts';
import {holdSession} from '../support/server/sessions.ts';

const CLIENTS = 150;
const HEADERS_MS = 800;
const REQUEST_MS = 1_600;
/** So long a server may take to notice, on a machine with much else to do. */
const AT_LAST_MS = 20_000;

let server: RunningServer;
let host: string;
beforeAll(async () => {
  const {op, servers} = await theWorld();
  const env = {OIDC_CLIENT_SECRET: op.clientSecret};
  server = await servers.server(env, {patience: {headersMs: HEADERS_MS, requestMs: REQUEST_MS}});
  ({host} = new URL(server.url));
});
afterAll(() => server.stop(0));

/** Sends the beginning, and then a little of `more` for as long as the server takes it; whether it ended that, and how. */
function dribble(beginning: string, more: string): Promise<string> {
  const [address = '', port] = host.split(':');
  let sending: NodeJS.Timeout | undefined;
  const socket: Socket = connect(Number(port), address, () => {
    socket.write(beginning);
    sending = setInterval(() => socket.write(more), 50);
  });
  return new Promise((resolve) => {
    let heard = '';
    const end = (what: string): void => {
      clearInterval(sending);
      clearTimeout(timer);
      socket.destroy();
      resolve(what);
    };
    const timer = setTimeout(() => end('still open'), AT_LAST_MS);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => end(heard)).on('close', () => end(heard));
  });
}

it.each([
  ['headers that never end', () => `GET /auth/verify HTTP/1.1\r\nHost: ${host}\r\n`, 'X-Slow: 1\r\n'],
  ['a header that never ends', () => `GET /auth/verify HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `, 'a'],
  ['a request line that never ends', () => 'GET /auth/verify?', 'a'],
  [
    'a body that never ends',
    () =>
      `POST /auth/refresh HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n`,
    ' ',
  ],
  [
    'chunks that never end',
    () =>
      `POST /auth/refresh HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    '1\r\n \r\n',
  ],
])(
  `${CLIENTS} clients with %s: others are served, and all of them are sent away`,
  async (_name, beginning, more) => {
    const held = await holdSession(server, {subject: someone()});
    const slow = Promise.all(Array.from({length: CLIENTS}, () => dribble(beginning(), more)));
    for (let n = 0; n < 10; n++) expect(await statusOf(server, held.access)).toBe(200);
    const ended = await slow;
    expect(ended.filter((heard) => heard === 'still open')).toEqual([]);
    // What answer there is says that it took too long.
    for (const heard of ended) expect(heard).toMatch(/^(?:HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*)?$/);
    expect(await statusOf(server, held.access)).toBe(200);
  },
);

it('a client that never reads its answers does not keep others waiting', async () => {
  const held = await holdSession(server, {subject: someone()});
  const [address = '', port] = host.split(':');
  const deaf = Array.from({length: 20}, () => {
    const socket = connect(Number(port), address, () => {
      socket.pause();
      socket.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(20));
    });
    return socket.on('error', () => undefined);
  });
  for (let n = 0; n < 10; n++) expect(await statusOf(server, held.access)).toBe(200);
  for (const socket of deaf) socket.destroy();
});

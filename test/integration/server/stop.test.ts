import {once} from 'node:events';
import {Agent, request, type IncomingMessage} from 'node:http';
import {connect, type Socket} from 'node:net';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {freePort} from '../../support/ports.ts';
import {startProgram, type RunningProgram} from '../../support/program.ts';
import {serverEnv, startStack, until, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
const programs: RunningProgram[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  for (const {child} of programs) child.kill('SIGKILL');
  await stack.close();
});

const CLIENTS = 16;
const IDLE = 4;

/** `fraiseql-auth serve`, the program as it is built. */
async function serve(env: NodeJS.ProcessEnv): Promise<{program: RunningProgram; port: number}> {
  const port = await freePort();
  const program = await startProgram(
    ['serve'],
    {
      ...serverEnv(stack.database.url, stack.provider.issuer),
      PORT: String(port),
      JWT_SIGNING_KEY: String(developmentKey('ES256').privateKey?.export({type: 'pkcs8', format: 'pem'})),
      JWT_ALGORITHM: 'ES256',
      RATE_LIMITS: 'Off',
      LOG_LEVEL: 'error',
      ...env,
    },
    {main: 'dist/main.js'},
  );
  programs.push(program);
  await until('ready', async () => (await statusOf(port)) === 200, 45_000);
  return {program, port};
}

async function statusOf(port: number): Promise<number> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/auth`)).status;
  } catch (error) {
    if (error instanceof TypeError) return 0;
    throw error;
  }
}

interface Tally {
  answered: number;
  /** Answers that told the client to open its next connection elsewhere. */
  sentAway: number;
  readonly wrong: string[];
}

/**
 * One client with one connection, as a proxy's: request after request, until an answer ends the connection or, for
 * a connection not yet told so, for ever. Half of them write to the database.
 */
async function client(port: number, index: number, tally: Tally): Promise<void> {
  const agent = new Agent({keepAlive: true, maxSockets: 1});
  const login = index % 2 === 0;
  for (;;) {
    try {
      const answer = await ask(agent, port, login);
      if (answer.statusCode === (login ? 200 : 204)) tally.answered++;
      else tally.wrong.push(`${login ? 'start' : 'logout'} answered ${answer.statusCode}`);
      if (answer.headers.connection === 'close') {
        tally.sentAway++;
        break;
      }
    } catch (error) {
      tally.wrong.push(String(error));
      break;
    }
  }
  agent.destroy();
}

function ask(agent: Agent, port: number, login: boolean): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const body = login ? '{}' : JSON.stringify({refresh_token: 'of nobody'});
    const asking = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: login ? '/auth/start' : '/auth/logout',
        headers: {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)},
      },
      (answer) => {
        answer.once('end', () => resolve(answer)).resume();
      },
    );
    asking.once('error', reject).end(body);
  });
}

/** A connection that has had one answer and then says nothing. */
async function idle(port: number): Promise<{ended: Promise<unknown>}> {
  const socket: Socket = connect(port, '127.0.0.1');
  const ended = once(socket, 'end');
  await once(socket, 'connect');
  socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(socket, 'data');
  socket.resume();
  return {ended};
}

it('SIGTERM under load loses no request, and ends idle connections in order', async () => {
  const {program, port} = await serve({DRAIN_SECONDS: '3'});
  const tally: Tally = {answered: 0, sentAway: 0, wrong: []};
  const clients = Array.from({length: CLIENTS}, (_, index) => client(port, index, tally));
  const resting = await Promise.all(Array.from({length: IDLE}, () => idle(port)));
  await until('load', () => tally.answered > 20 * CLIENTS);

  program.child.kill('SIGTERM');
  await Promise.all(clients);
  expect(tally.wrong).toEqual([]);
  expect(tally.sentAway).toBe(CLIENTS);
  // It is not ready any more, and still serves whoever has not heard of that.
  expect(await statusOf(port)).toBe(503);
  expect((await fetch(`http://127.0.0.1:${port}/auth/providers`)).status).toBe(200);

  await Promise.all(resting.map(({ended}) => ended));
  const {code, output} = await program.ended;
  expect({code, output: output.split('\n').filter((line) => line.includes('"level":"error"'))}).toEqual({
    code: 0,
    output: [],
  });
});

it('a request whose body is still to come is answered, though nothing new is taken any more', async () => {
  const {program, port} = await serve({DRAIN_SECONDS: '0'});
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /auth/logout HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{',
  );
  // Another answer on a later connection: the first one's headers have been read by then.
  expect(await statusOf(port)).toBe(200);
  program.child.kill('SIGTERM');
  await until('closed to others', async () => (await statusOf(port)) === 0);
  socket.write('}');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 204 /);
  expect(answer.toString()).toMatch(/\r\nconnection: close\r\n/i);
  expect((await program.ended).code).toBe(0);
});

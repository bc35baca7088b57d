// Who is measured, and how each is asked for the same two things.
import {join} from 'node:path';
import type {Exchange} from './generator.ts';
import {startProgram, type Program} from './program.ts';
import {createSessions, type Held} from './sessions.ts';

export type Workload = 'refresh' | 'verify';

export interface Player {
  readonly name: string;
  /** What it does in each workload, for the table. */
  readonly does: Readonly<Record<Workload, string>>;
  start(env: Readonly<Record<string, string>>, log: string): Promise<Program>;
  /** Clients with a session each. */
  clients(
    program: Program,
    env: Readonly<Record<string, string>>,
    workload: Workload,
    count: number,
  ): Promise<Exchange[]>;
}

const HERE = import.meta.dirname;
/** As the image runs it: its first line says what Node is to keep to. */
const MAIN = join(HERE, '../../../dist/main.js');
const HOST = 'Host: 127.0.0.1';

const get = (path: string, header: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n${header}\r\n\r\n`;

function post(path: string, type: string, body: string, ...headers: string[]): string {
  const lines = [`POST ${path} HTTP/1.1`, HOST, `Content-Type: ${type}`, `Content-Length: ${body.length}`];
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** Presents the token that the last answer gave. */
function rotating(first: string, request: (token: string) => string): Exchange {
  let token = first;
  return {
    request: () => request(token),
    answered(body) {
      const next = /"refresh_token":"([^"]+)"/.exec(body)?.[1];
      if (next === undefined || next === token) throw new Error('the refresh token was not rotated');
      token = next;
    },
  };
}

function constant(request: string): Exchange {
  return {request: () => request};
}

function ofOurs({access, refresh}: Held, workload: Workload): Exchange {
  return workload === 'verify'
    ? constant(get('/auth/verify', `Authorization: Bearer ${access}`))
    : rotating(refresh, (token) => post('/auth/refresh', 'application/json', `{"refresh_token":"${token}"}`));
}

const ourClients: Player['clients'] = async (_program, env, workload, count) =>
  (await createSessions(env, count)).map((held) => ofOurs(held, workload));

export const FLOOR: Player = {
  name: 'floor',
  does: {
    refresh: 'bare node:http: one statement rotates, a token is signed',
    verify: 'bare node:http: the signature is checked each time, no revocation',
  },
  start: (env, log) => startProgram([process.execPath, join(HERE, 'floor.ts')], env, '/health', log),
  clients: ourClients,
};

export const OURS: Player = {
  name: 'ours',
  does: {
    refresh: 'rotated exactly once, a token is signed, audited in a hash chain',
    verify: 'a checked token is remembered; ended sessions are heard of within a second',
  },
  start: (env, log) => startProgram([MAIN, 'serve'], env, '/health/auth', log),
  clients: ourClients,
};

/** A peer makes its sessions itself: GET /bench/sessions. */
async function peerSessions({port}: Program, count: number): Promise<readonly Held[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/bench/sessions?count=${count}`);
  if (!answer.ok) throw new Error(`the peer made no sessions: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Held[];
}

const OIDC_PROVIDER: Player = {
  name: 'oidc-provider',
  does: {
    refresh: 'grant refresh_token: rotated in PostgreSQL, a JWT access token is signed',
    verify: 'GET /me: an opaque access token is looked up in PostgreSQL',
  },
  start: (env, log) =>
    startProgram([process.execPath, join(HERE, '../peers/oidc-provider.ts')], env, '/bench/ready', log),
  async clients(program, _env, workload, count) {
    const basic = `Authorization: Basic ${btoa('bench:a-secret-for-the-bench')}`;
    return (await peerSessions(program, count)).map(({access, refresh}) =>
      workload === 'verify'
        ? constant(get('/me', `Authorization: Bearer ${access}`))
        : rotating(refresh, (token) =>
            post(
              '/token',
              'application/x-www-form-urlencoded',
              `grant_type=refresh_token&refresh_token=${token}`,
              basic,
            ),
          ),
    );
  },
};

const BETTER_AUTH: Player = {
  name: 'better-auth',
  does: {
    refresh: 'get-session, updateAge 0: expiry moved in PostgreSQL, a JWT is signed; no rotation',
    verify: 'get-session: the session is read in PostgreSQL',
  },
  start: (env, log) =>
    startProgram([process.execPath, join(HERE, '../peers/better-auth.ts')], env, '/bench/ready', log),
  clients: async (program, _env, workload, count) =>
    (await peerSessions(program, count)).map(({access, refresh}) =>
      workload === 'verify'
        ? constant(get('/api/verify/get-session', `Cookie: ${access}`))
        : constant(get('/api/auth/get-session', `Cookie: ${refresh}`)),
    ),
};

export const PEERS: readonly Player[] = [OIDC_PROVIDER, BETTER_AUTH];

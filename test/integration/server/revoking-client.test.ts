// The client that may introspect revokes tokens while strangers flood the endpoint with made-up ones.
import {randomBytes} from 'node:crypto';
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

const ID = 'gateway';
const SECRET = 'the-secret-of-the-gateway';

let stack: Stack;
let network: FaultProxy;
let server: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  ({server, network} = await stack.cutOff({
    DATABASE_POOL_SIZE: '4',
    INTROSPECTION_CLIENT_ID: ID,
    INTROSPECTION_CLIENT_SECRET: SECRET,
  }));
});
afterAll(async () => {
  network.slow(0);
  await stack.close();
});

const revoke = (token: string, how: 'header' | 'fields' | 'nobody'): Promise<Response> => {
  const basic = `Basic ${Buffer.from(`${ID}:${SECRET}`).toString('base64')}`;
  return postForm(
    server,
    '/auth/revoke',
    {token, ...(how === 'fields' && {client_id: ID, client_secret: SECRET})},
    how === 'header' ? {authorization: basic} : {},
  );
};

it('its tokens are looked up first, and none is refused', async () => {
  const held = await Promise.all(
    Array.from({length: 4}, (_, n) => holdSession(server, {subject: `client-${n}`})),
  );
  network.slow(100);
  const flood = new AbortController();
  let refused = 0;
  const strangers = Promise.all(
    Array.from({length: 150}, async () => {
      while (!flood.signal.aborted) {
        const answer = await revoke(randomBytes(32).toString('base64url'), 'nobody');
        await answer.arrayBuffer();
        if (answer.status === 503) refused++;
        await delay(20);
      }
    }),
  );
  await until('a queue that takes no more', () => refused > 100);
  const answers = await Promise.all(
    held.map(({refresh}, n) => revoke(refresh, n % 2 === 0 ? 'header' : 'fields')),
  );
  network.slow(0);
  flood.abort();
  await strangers;
  expect(answers.map(({status}) => status)).toEqual(answers.map(() => 200));
});

// Node answers an expectation that it does not know with a bare 417: here it is refused as all else is.
import {connect} from 'node:net';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
});
afterAll(() => stack.close());

/** What comes back until the server ends the connection. */
function answerTo(...lines: string[]): Promise<string> {
  const {hostname, port} = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(lines.join('\r\n')));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

it.each(['a-miracle', '100-continue, a-miracle'])('Expect: %s is refused in words', async (expectation) => {
  const answer = await answerTo(
    'POST /auth/refresh HTTP/1.1',
    'Host: x',
    `Expect: ${expectation}`,
    'Content-Length: 2',
    '',
    '{}',
  );
  const id = /\r\nx-request-id: ([\w-]+)/i.exec(answer)?.[1] ?? 'none';
  expect(answer).toContain('HTTP/1.1 417 Expectation Failed\r\n');
  for (const header of ['cache-control: no-store', 'x-content-type-options: nosniff', 'connection: close'])
    expect(answer.toLowerCase()).toContain(`\r\n${header}\r\n`);
  expect(answer).toContain(
    `{"errors":[{"message":"Expect must be 100-continue, or be left out","extensions":{"code":"invalid_request","request_id":"${id}"}}]}`,
  );
  expect(stack.logs.find((entry) => entry.includes(id))).toContain('an expectation that is not known');
});

it('100-continue is met, in whatever case', async () => {
  const answer = await answerTo(
    'GET /health/live HTTP/1.1',
    'Host: x',
    'Expect: 100-Continue',
    'Connection: close',
    '',
    '',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

it('HTTP/1.0 has no expectations', async () => {
  const answer = await answerTo('GET /health/live HTTP/1.0', 'Host: x', 'Expect: a-miracle', '', '');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

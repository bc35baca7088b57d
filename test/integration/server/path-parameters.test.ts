// What stands in a path where a name or an id is due: whatever is none of ours is not found, be it empty, long or unknown.
import {randomUUID} from 'node:crypto';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {authServer, closeTheWorld, logIn, statusOf} from '../../support/server/auth-server.ts';

let server: RunningServer;
let accessToken: string;
beforeAll(async () => {
  server = await authServer();
  accessToken = (await logIn(server)).access_token;
});
afterAll(closeTheWorld);

const IDS: [string, string][] = [
  ['empty', ''],
  ['no id', 'x'],
  ['longer than any id', 'x'.repeat(65)],
  ['longer than a parameter', 'x'.repeat(101)],
  ['unknown', randomUUID()],
];

async function failure(path: string, init: RequestInit): Promise<[number, string, string]> {
  const answer = await fetch(server.url + path, init);
  const {errors} = (await answer.json()) as {errors: {message: string; extensions: {code: string}}[]};
  return [answer.status, errors[0]?.extensions.code ?? '', errors[0]?.message ?? ''];
}

describe('a session to end that is', () => {
  it.each(IDS)('%s', async (_what, id) => {
    const headers = {authorization: `Bearer ${accessToken}`};
    const answer = await failure(`/auth/sessions/${id}`, {method: 'DELETE', headers});
    expect(answer).toEqual([404, 'not_found', 'Not found']);
    expect(await statusOf(server, accessToken)).toBe(200);
  });
});

describe('a provider whose logout token comes that is', () => {
  it.each(IDS)('%s', async (_what, name) => {
    const init = {method: 'POST', body: new URLSearchParams({logout_token: 'x'})};
    expect(await failure(`/auth/backchannel-logout/${name}`, init)).toEqual([404, 'not_found', 'Not found']);
  });
});

it('a callback of a provider without a name is not found', async () => {
  expect(await failure('/auth/callback/?state=a&code=b', {})).toEqual([404, 'not_found', 'Not found']);
});

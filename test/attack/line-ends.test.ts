// CR and LF, as they are and in other words, where a header of the answer or a line of the log could end by them.
import {beforeAll, describe, expect, it} from 'vitest';
import type {Target} from '../../src/attack/target.ts';
import {authServer, theWorld} from '../support/server/auth-server.ts';
import {targetOf} from './support/attacked.ts';

let target: Target;
beforeAll(async () => {
  target = targetOf(await authServer());
});

describe('line ends that would end a header of the answer', () => {
  const INJECTED = 'X-Injected: yes';
  it.each([
    `/auth/start?return_to=/a%0d%0a${encodeURIComponent(INJECTED)}`,
    `/auth/start?return_to=https://app.example.com/%0d%0a${encodeURIComponent(INJECTED)}`,
    '/auth/start?return_to=/a%E5%98%8A%E5%98%8DX-Injected:%20yes',
    `/auth/start?provider=x%0d%0a${encodeURIComponent(INJECTED)}`,
    `/auth/callback?code=x&state=x%0d%0a${encodeURIComponent(INJECTED)}`,
    `/auth/callback?error=x%0d%0a${encodeURIComponent(INJECTED)}&state=x`,
    `/auth/account?x=%0d%0a${encodeURIComponent(INJECTED)}`,
    `/auth/account%0d%0a${encodeURIComponent(INJECTED)}`,
    `/%0d%0a${encodeURIComponent(INJECTED)}`,
    `/auth/sessions/x%0d%0a${encodeURIComponent(INJECTED)}`,
  ])('%s', async (path) => {
    for (const accept of ['application/json', 'text/html']) {
      const answer = await target.ask(path, {headers: {accept}});
      expect(answer.headers['x-injected']).toBeUndefined();
      expect(answer.count).toBe(1);
      expect(answer.status).toBeLessThan(500);
    }
  });

  it('nor do they stand in a log line, which is one line each', async () => {
    await target.ask('/auth/callback?error=x%0a%7B%22component%22:%22audit%22,%22forged%22:true%7D&state=x');
    const headers = {'user-agent': 'x%0a{"component":"audit"}', 'x-request-id': 'x"}{"forged":true}'};
    await target.ask('/auth/callback?state=%0aforged&code=x', {headers});
    const {servers} = await theWorld();
    for (const line of servers.logs) {
      expect(line.trimEnd().split('\n')).toHaveLength(1);
      expect(JSON.parse(line)).not.toHaveProperty('forged');
    }
  });
});

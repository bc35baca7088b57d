import {describe, expect, it} from 'vitest';
import {checkOf} from '../../../src/audit/checks.ts';
import {collect, tell} from '../../../src/audit/explain.ts';
import {ERRORS} from '../../../src/support/errors.ts';

async function* from(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const story = async (...entries: Record<string, unknown>[]): Promise<string> =>
  tell(await collect(from(entries.map((entry) => JSON.stringify(entry))), 'r-1')).join('\n');

const audit = {time: 't', component: 'audit', event: 'auth_failure', requestId: 'r-1', outcome: 'failure'};
const server = {time: 't', component: 'server', requestId: 'r-1', method: 'GET', route: '/auth/callback'};

describe('a request', () => {
  it('is told by what the server and the audit trail say, and the check is named', async () => {
    const told = await story(
      {...audit, provider: 'keycloak', address: '192.0.2.1', reason: 'oauth_error'},
      {...audit, requestId: 'r-2', reason: 'forbidden'},
      {
        ...server,
        status: 401,
        code: 'oauth_error',
        reason: 'the ID token is not acceptable: unexpected "nonce" claim value',
      },
    );
    expect(told).toContain('auth_failure: failure (oauth_error)\n    provider keycloak, address 192.0.2.1');
    expect(told).toContain('GET /auth/callback was answered with 401 oauth_error');
    expect(told).toContain('The check that failed: the nonce of the ID token');
    expect(told).not.toContain('forbidden');
  });

  it('is told by the audit trail alone where the log level left the rest out', async () => {
    expect(await story({...audit, reason: 'invalid_state'})).toContain(
      'The check that failed: the state is of a login',
    );
  });

  it.each([
    [
      'oauth_error',
      'the answer came to the address of other',
      'the answer came to the address of the provider',
    ],
    ['invalid_token', 'unknown client id or wrong secret', 'the client proves itself'],
    [
      'invalid_token',
      'INTROSPECTION_CLIENT_ID … are not set, so nobody may introspect',
      'there is a client that may',
    ],
    ['invalid_request', 'token is needed', 'the request is well formed'],
  ])('refused with %s for "%s" names that check', (code, reason, check) => {
    expect(checkOf(code, reason)?.name).toContain(check);
  });

  it('that went well has no check that failed', async () => {
    const told = await story({...audit, event: 'session_refreshed', outcome: 'success', reason: 'replayed'});
    expect(told).toContain('Nothing was refused.');
  });

  it('that the log does not know tells nothing', async () => {
    expect(await story({...audit, requestId: 'r-10'})).toBe('');
  });

  it('cannot steer the terminal, and shows no field that is not meant to be shown', async () => {
    const told = await story({...server, status: 400, code: 'x', reason: 'a\u001b[2Jb', token: 'planted'});
    expect(told).toContain('a?[2Jb');
    expect(told).not.toContain('planted');
  });
});

describe('the checks', () => {
  it.each(Object.keys(ERRORS))('know every code: %s', (code) => {
    expect(checkOf(code, '')?.remedy).toMatch(/./);
  });

  it.each([
    ['unexpected "aud" claim value', 'for our client id'],
    ['unexpected JWT "iss" (issuer) claim value', "of the provider's issuer"],
    ['"exp" claim timestamp check failed', 'valid now'],
    ['unexpected "at_hash" claim value', 'of this access token'],
    ['signature verification failed', 'published key'],
    ['no applicable key found in the JSON Web Key Set', 'published key'],
  ])('tell %s apart', (reason, name) => {
    expect(checkOf('oauth_error', `the ID token is not acceptable: ${reason}`)?.name).toContain(name);
  });
});

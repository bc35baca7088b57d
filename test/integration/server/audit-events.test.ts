// What one life of a login leaves behind: the audit events in their order, and each metric that is documented, by its name.
import {Client} from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import type {Tokens} from '../../support/login.ts';
import {
  authServer,
  begin,
  browserOf,
  closeTheWorld,
  logIn,
  refresh,
  statusOf,
  theWorld,
  visit,
} from '../../support/server/auth-server.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {until} from '../../support/server/stack.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer({REFRESH_REPLAY_WINDOW: '0'});
});
afterAll(closeTheWorld);

/** The events that this writes, in order, each as `event outcome reason`. */
async function eventsOf(act: () => Promise<unknown>): Promise<string[]> {
  const {servers} = await theWorld();
  const before = servers.audit().length;
  await act();
  return servers
    .audit()
    .slice(before)
    .map(({event, outcome, reason}) =>
      [event, outcome, reason].filter((part) => typeof part === 'string').join(' '),
    );
}

async function metrics(): Promise<string> {
  return metricsOf(server);
}

/** The value of the first series that begins so. */
async function valueOf(series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(series)) ?? '';
  return Number(/ (\S+)$/.exec(line)?.[1] ?? Number.NaN);
}

/** Does that while nothing can be read from the tables or written to them. */
async function whileLocked<T>(act: () => Promise<T>): Promise<T> {
  const {database} = await theWorld();
  const client = new Client({connectionString: database.url});
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE _system.sessions, _system.login_transactions');
    return await act();
  } finally {
    await client.end();
  }
}

describe('the audit trail', () => {
  it('of a login, a refresh, a token that comes back, and a logout', async () => {
    let tokens: Tokens | undefined;
    expect(await eventsOf(async () => (tokens = await logIn(server)))).toEqual([
      'oauth_start success',
      'oauth_callback success',
      'auth_success success',
      'session_created success',
    ]);
    const first = tokens?.refresh_token ?? '';
    expect(await eventsOf(() => refresh(server, first))).toEqual(['session_refreshed success']);
    expect(await eventsOf(() => refresh(server, first))).toEqual([
      'session_reuse_detected failure',
      'session_revoked success reuse',
      'auth_failure failure token_not_found',
    ]);
    const other = await logIn(server);
    const logout = (): Promise<Response> =>
      fetch(`${server.url}/auth/logout`, {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify({refresh_token: other.refresh_token}),
      });
    expect(await eventsOf(logout)).toEqual(['session_revoked success logout']);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'with an error of the provider',
      async () => {
        const {op} = await theWorld();
        const browser = browserOf(server);
        const back = op.redirect(await begin(browser, server), {error: 'access_denied'});
        back.searchParams.delete('code');
        return browser.visit(back);
      },
      'oauth_error',
    ],
    ['with a token that is not good', () => visit(server, {claims: {nonce: 'other'}}), 'oauth_error'],
    [
      'of another browser',
      async () => {
        const {op} = await theWorld();
        return browserOf(server).visit(op.redirect(await begin(browserOf(server), server)));
      },
      'invalid_state',
    ],
  ])('of a callback that is refused, %s', async (_name, act, reason) => {
    expect(await eventsOf(act)).toEqual([
      'oauth_start success',
      `oauth_callback failure ${reason}`,
      `auth_failure failure ${reason}`,
    ]);
  });

  it('of a signing key that is replaced', async () => {
    const {configuration, tokens} = server.services;
    const before = tokens.keys.signer.kid;
    const old = configuration.signingKeys.map((key) => ({...key, privateKey: undefined}));
    const signingKeys = [{...developmentKey('RS256'), kid: 'next'}, ...old];
    expect(await eventsOf(async () => server.replaceKeys({signingKeys}))).toEqual([
      `key_rotated success ${before} -> next`,
    ]);
    expect(await valueOf('fraiseql_auth_signing_key{kid="next"')).toBe(1);
    expect(await valueOf(`fraiseql_auth_signing_key{kid="${before}"`)).toBe(0);
    server.replaceKeys(configuration);
  });
});

describe('the metrics after it', () => {
  it.each([
    'fraiseql_auth_attempts_total{provider="oidc"}',
    'fraiseql_auth_successes_total{provider="oidc"}',
    'fraiseql_auth_failures_total{provider="oidc",reason="oauth_error"}',
    'fraiseql_auth_failures_total{provider="oidc",reason="token_reused"}',
    'fraiseql_auth_refreshes_total{replayed="false"}',
    'fraiseql_sessions_revoked_total{reason="logout"}',
    'fraiseql_sessions_revoked_total{reason="reuse"}',
    'fraiseql_oauth_exchange_duration_ms_count{provider="oidc"}',
    'fraiseql_oauth_exchange_duration_ms_sum{provider="oidc"}',
    'fraiseql_auth_request_duration_seconds_count{route="/auth/callback",method="GET",status="200"}',
    'fraiseql_auth_request_duration_seconds_count{route="/auth/refresh",method="POST",status="401"}',
    'fraiseql_auth_dependency_up{dependency="database"}',
    'fraiseql_auth_dependency_up{dependency="provider:oidc"}',
    'fraiseql_auth_database_pool{state="max"}',
    'fraiseql_auth_access_token_lifetime_seconds',
    'fraiseql_auth_signing_key{',
    'process_resident_memory_bytes',
  ])('%s has a value', async (series) => {
    expect(await valueOf(series)).toBeGreaterThan(0);
  });

  it('a validation has a time', async () => {
    const before = await valueOf('fraiseql_auth_validation_duration_ms_count');
    await statusOf(server, (await logIn(server)).access_token);
    expect(await valueOf('fraiseql_auth_validation_duration_ms_count')).toBe(before + 1);
    expect(await valueOf('fraiseql_auth_validation_duration_ms_sum')).toBeGreaterThan(0);
  });

  it('the revocation feed tells that it is heard, and how late it is', async () => {
    await until('the feed', async () => (await valueOf('fraiseql_auth_revocation_feed_up')) === 1, 30_000);
    await until('a beat', async () => (await valueOf('fraiseql_auth_revocation_lag_ms_count')) > 0);
    const sum = await valueOf('fraiseql_auth_revocation_lag_ms_sum');
    const mean = sum / (await valueOf('fraiseql_auth_revocation_lag_ms_count'));
    expect(mean).toBeGreaterThanOrEqual(0);
    expect(mean).toBeLessThan(30_000);
  });

  const json = (path: string, body: object): Promise<Response> =>
    fetch(server.url + path, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify(body),
    });

  it.each<[string, (tokens: Tokens) => Promise<Response>, number]>([
    ['login', () => fetch(`${server.url}/auth/start`, {redirect: 'manual'}), 303],
    ['refresh', (tokens) => refresh(server, tokens.refresh_token), 200],
    [
      'check',
      ({access_token}) =>
        fetch(`${server.url}/auth/verify`, {headers: {authorization: `Bearer ${access_token}`}}),
      200,
    ],
    ['ending', ({refresh_token}) => json('/auth/logout', {refresh_token}), 204],
  ])('a request under way is counted until it is answered: %s', async (urgency, ask, status) => {
    const count = (): Promise<number> => valueOf(`fraiseql_auth_requests_in_flight{urgency="${urgency}"}`);
    const tokens = await logIn(server);
    await until('the others', async () => (await count()) === 0);
    const answer = await whileLocked(async () => {
      const asked = ask(tokens);
      await until('the request', async () => (await count()) === 1);
      return {asked};
    });
    expect((await answer.asked).status).toBe(status);
    await until('its end', async () => (await count()) === 0);
  });

  it.each(['fraiseql_auth_shed_total', 'fraiseql_auth_dependency_error', 'nodejs_eventloop_lag_seconds'])(
    '%s is there before it has a series',
    async (name) => {
      expect(await metrics()).toContain(`# TYPE ${name} `);
    },
  );

  it('a provider that is away opens its breaker, with the reason', async () => {
    const {op} = await theWorld();
    const up = (): Promise<number> => valueOf('fraiseql_auth_dependency_up{dependency="provider:oidc"}');
    op.discovery = (response) => void response.writeHead(500).end();
    await until('the breaker', async () => (await up()) === 0);
    expect(
      await valueOf('fraiseql_auth_dependency_error{dependency="provider:oidc",reason="invalid_response"}'),
    ).toBe(1);
    delete op.discovery;
    await until('the provider again', async () => (await up()) === 1);
  });

  it('the integers of /metrics/auth agree with them', async () => {
    const totals = (await (await fetch(`${server.url}/metrics/auth`)).json()) as Record<string, number>;
    expect(totals['total_auth_attempts']).toBe(await valueOf('fraiseql_auth_attempts_total{'));
    expect(totals['successful_authentications']).toBe(await valueOf('fraiseql_auth_successes_total{'));
    expect(totals['tokens_refreshed']).toBe(await valueOf('fraiseql_auth_refreshes_total{'));
    expect(totals['sessions_revoked']).toBe(
      (await valueOf('fraiseql_sessions_revoked_total{reason="logout"}')) +
        (await valueOf('fraiseql_sessions_revoked_total{reason="reuse"}')),
    );
  });
});

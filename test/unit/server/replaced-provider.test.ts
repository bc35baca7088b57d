// Logins under way with a provider that another configuration replaces: however they end, nothing is told of them that would
// be taken for its successor's.
import {beforeEach, expect, it} from 'vitest';
import {ClientRefusedError} from '../../../src/server/providers/failures.ts';
import {ProviderRegistry} from '../../../src/server/providers/registry.ts';
import {systemClock} from '../../../src/support/clock.ts';
import type {ProviderSettings} from '../../../src/support/configuration/configuration.ts';

const SETTINGS: ProviderSettings = {
  name: 'github',
  type: 'github',
  displayName: 'GitHub',
  issuer: 'https://github.com',
  discoveryUrl: undefined,
  clientId: 'before',
  clientSecret: 'a secret',
  scopes: [],
  allowedEmailDomains: [],
  callback: 'Shared',
  rpInitiatedLogout: false,
};

let told: string[];
let pending: ((error: Error) => void)[];
let registry: ProviderRegistry;
beforeEach(() => {
  told = [];
  pending = [];
  registry = new ProviderRegistry([SETTINGS], {
    fetch: () => new Promise((_resolve, reject) => pending.push(reject)),
    allowedHosts: () => [],
    clock: systemClock,
    redirectUri: 'https://auth.example.com/auth/callback',
    postLogoutRedirectUri: 'https://auth.example.com/auth/signed-out',
    goodMs: 60_000,
    badMs: 60_000,
    onCredentials: (_name, refused) => told.push(`credentials refused: ${refused}`),
    onStaleKeys: () => told.push('stale keys'),
    onChange: (_name, state) => told.push(state),
    onGone: () => told.push('gone'),
  });
});

/** Logins that wait for the token endpoint; they end with the error, all of them refused. */
async function logins(count: number): Promise<(error: Error) => Promise<void>> {
  const callback = new URL('https://auth.example.com/auth/callback?code=c&state=s');
  const request = {state: 's', nonce: 'n', verifier: 'v'.repeat(43)};
  const provider = registry.choose(undefined);
  const ended = Array.from({length: count}, () => provider.exchange(callback, request));
  const settled = Promise.allSettled(ended);
  await expect.poll(() => pending.length).toBe(count);
  return async (error) => {
    for (const reject of pending.splice(0)) reject(error);
    expect((await settled).map(({status}) => status)).toEqual(Array.from({length: count}, () => 'rejected'));
  };
}

const unreachable = (): Error => Object.assign(new Error('no route'), {code: 'ECONNREFUSED'});

it('while it is in use, an endpoint that does not answer is told, and a client that is refused', async () => {
  await (
    await logins(3)
  )(unreachable());
  await (
    await logins(1)
  )(new ClientRefusedError('no'));
  expect(told).toEqual(expect.arrayContaining(['down', 'credentials refused: true']));
});

it.each<[string, ProviderSettings[]]>([
  ['replaced', [{...SETTINGS, clientId: 'after'}]],
  ['left out', []],
])('once it is %s, neither is', async (_what, next) => {
  const end = await logins(3);
  registry.replace(next);
  await end(unreachable());
  expect(told).toEqual(['gone']);
});

it('nor that its client is refused', async () => {
  const end = await logins(1);
  registry.replace([{...SETTINGS, clientId: 'after'}]);
  await end(new ClientRefusedError('no'));
  expect(told).toEqual(['gone']);
});

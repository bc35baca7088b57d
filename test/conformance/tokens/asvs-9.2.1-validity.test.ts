import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

const now = (): number => Math.floor(Date.now() / 1000);

describe('OWASP ASVS 9.2.1: a token is taken only within its time, nbf and exp', () => {
  it.each<[string, () => Record<string, unknown>, number]>([
    ['within it', () => ({nbf: now() - 1, exp: now() + 60}), 200],
    ['after it', () => ({exp: now() - 1}), 401],
    ['before it', () => ({nbf: now() + 60}), 401],
    ['with an nbf that is no number', () => ({nbf: 'later'}), 401],
  ])('%s', async (_name, claims, status) => {
    const {server, forge} = await goodToken();
    expect(await statusOf(server, await forge({claims: claims()}))).toBe(status);
  });

  it('and not a moment longer for having been seen before', async () => {
    const {server, forge} = await goodToken();
    const token = await forge({claims: {exp: now() + 2}});
    expect(await statusOf(server, token)).toBe(200);
    await expect.poll(() => statusOf(server, token), {timeout: 4_000, interval: 100}).toBe(401);
  });
});

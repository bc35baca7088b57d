import {describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken, type Forgery} from '../../support/server/access-token.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const stranger = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;

describe('RFC 9068 4: a resource server checks type, issuer, audience, signature and time', () => {
  it('takes the same token with nothing changed', async () => {
    const {server, forge} = await goodToken();
    expect(await statusOf(server, await forge({}))).toBe(200);
    expect(await statusOf(server, await forge({header: {typ: 'application/at+jwt'}}))).toBe(200);
  });

  it.each<[string, () => Forgery]>([
    ['another type', () => ({header: {typ: 'JWT'}})],
    ['another issuer', () => ({claims: {iss: 'https://evil.example.com'}})],
    ['an issuer with a slash more', () => ({claims: {iss: 'https://auth.example.com/'}})],
    ['no issuer', () => ({claims: {iss: undefined}})],
    ['another audience', () => ({claims: {aud: 'somebody-else'}})],
    ['an empty list of audiences', () => ({claims: {aud: []}})],
    ['no audience', () => ({claims: {aud: undefined}})],
    ["another's signature", () => ({key: stranger})],
    ['a time that is over', () => ({claims: {exp: now() - 1}})],
    ['no time', () => ({claims: {exp: undefined}})],
    ['a time that is text', () => ({claims: {exp: String(now() + 300)}})],
    ['no subject', () => ({claims: {sub: undefined}})],
    ['no client', () => ({claims: {client_id: undefined}})],
  ])('refuses %s with a 401 that names invalid_token', async (_name, change) => {
    const {server, forge} = await goodToken();
    const answer = await fetch(`${server.url}/auth/verify`, {
      headers: {authorization: `Bearer ${await forge(change())}`},
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(answer.headers.get('x-auth-request-user')).toBeNull();
  });
});

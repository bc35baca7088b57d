import {describe, expect, it} from 'vitest';
import {createHash} from 'node:crypto';
import {holdSession} from '../../support/server/sessions.ts';
import {assemble, goodToken} from '../../support/server/access-token.ts';
import {someone, theWorld} from '../../support/server/auth-server.ts';
import {gatewayServer, ID, introspect, SECRET} from '../support/gateway.ts';

const env = {INTROSPECTION_CLIENT_ID: ID, INTROSPECTION_CLIENT_SECRET: SECRET};
const now = (): number => Math.floor(Date.now() / 1000);

describe('RFC 7662 4: active means signed by us, not expired, not revoked, and for whom it was meant', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['expired', () => ({exp: now() - 1})],
    ['not valid yet', () => ({nbf: now() + 60})],
    ['for another audience', () => ({aud: 'somebody'})],
    ['of another issuer', () => ({iss: 'https://evil.example.com'})],
    ["of another's session", () => ({sub: createHash('md5').update('x').digest('hex')})],
  ])('a token that is %s is not', async (_name, claims) => {
    const {forge} = await goodToken(env);
    expect(await introspect(await forge({claims: claims()}))).toEqual({active: false});
  });

  it('nor one that is not signed, or not by us', async () => {
    const {token, claims} = await goodToken(env);
    const [header = '', payload = '', signature = ''] = token.split('.');
    for (const other of [
      assemble({alg: 'none', typ: 'at+jwt'}, claims),
      `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`,
    ])
      expect(await introspect(other)).toEqual({active: false});
  });

  it('nor those of a session that ended, by a logout or its limit', async () => {
    const server = await gatewayServer();
    const {database} = await theWorld();
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => server.services.sessions.revoke(id),
      (id) => database.asSuperuser(`UPDATE _system.sessions SET expires_at = 1 WHERE id = '${id}'`),
    ];
    for (const end of ends) {
      const held = await holdSession(server, {subject: someone()});
      expect(await introspect(held.access)).toMatchObject({active: true});
      await end(held.id);
      await expect.poll(() => introspect(held.access), {timeout: 1_000}).toEqual({active: false});
      expect(await introspect(held.refresh)).toEqual({active: false});
    }
  });

  it('nor those of one that nobody used for too long', async () => {
    const held = await holdSession(await gatewayServer(), {subject: someone()});
    const {database} = await theWorld();
    await database.asSuperuser(
      `UPDATE _system.session_details SET idle_expires_at = now() - interval '1 s' WHERE session_id = '${held.id}'`,
    );
    for (const token of [held.access, held.refresh]) expect(await introspect(token)).toEqual({active: false});
  });
});

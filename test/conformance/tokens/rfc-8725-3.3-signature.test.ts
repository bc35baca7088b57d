import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 8725 3.3: an access token with anything changed is refused as a whole', () => {
  it('in each of its parts', async () => {
    const {server, token, claims} = await goodToken();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const other = Buffer.from(JSON.stringify({...claims, sub: '0'.repeat(32)})).toString('base64url');
    const broken = [
      `${header}.${other}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${token}.${signature}`,
      `${header}..${signature}`,
      `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${payload}.${signature}`,
    ];
    for (const one of broken) expect(await statusOf(server, one)).toBe(401);
    expect(await statusOf(server, token)).toBe(200);
  });
});

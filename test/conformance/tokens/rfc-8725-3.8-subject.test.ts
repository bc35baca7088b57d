import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 8725 3.8: issuer and subject belong together, and to the session', () => {
  it('refuses a subject other than that of the session', async () => {
    const [mine, theirs] = [await goodToken(), await goodToken()];
    const mixed = await mine.forge({claims: {sub: theirs.claims.sub}});
    expect(await statusOf(mine.server, mixed)).toBe(401);
    expect(await statusOf(mine.server, await mine.forge({claims: {sid: theirs.claims['sid']}}))).toBe(401);
  });

  it('refuses a session that never was', async () => {
    const {server, forge} = await goodToken();
    for (const sid of ['00000000-0000-0000-0000-000000000000', "' OR true --", '', 7])
      expect(await statusOf(server, await forge({claims: {sid}}))).toBe(401);
  });
});

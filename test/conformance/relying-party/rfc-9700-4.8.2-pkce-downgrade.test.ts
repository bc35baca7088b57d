import {describe, expect, it} from 'vitest';
import {createHash} from 'node:crypto';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 9700 4.8.2: nobody talks the client out of PKCE: the challenge is sent with S256 whatever the metadata says', () => {
  it.each<[string, readonly string[] | undefined]>([
    ['nothing', undefined],
    ['an empty list', []],
    ['plain alone', ['plain']],
    ['S256', ['plain', 'S256']],
  ])('%s', async (_name, methods) => {
    const rp = await startRelyingParty();
    rp.op.metadata = {code_challenge_methods_supported: methods};
    await rp.login();
    await rp.close();
    const asked = rp.asked.searchParams;
    const verifier = new URLSearchParams(rp.op.tokenRequest?.body).get('code_verifier') ?? '';
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect(asked.get('code_challenge')).toBe(createHash('sha256').update(verifier).digest('base64url'));
  });
});

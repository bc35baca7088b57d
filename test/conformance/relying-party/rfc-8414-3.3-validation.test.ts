import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 8414 3.3: metadata is used only where its issuer is the one that was asked', () => {
  it.each<[string, (issuer: string) => unknown]>([
    ['another host', () => 'https://evil.example.com'],
    ['another port', (issuer) => issuer.replace(/:\d+/, ':1')],
    ['another scheme', (issuer) => issuer.replace('http:', 'https:')],
    ['another path', (issuer) => `${issuer}/other`],
    ['a list', (issuer) => [issuer]],
    ['nothing', () => ''],
  ])('not where it is %s', async (_name, other) => {
    const rp = await startRelyingParty('/tenant');
    rp.op.metadata = {issuer: other(rp.op.issuer)};
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/issuer/);
    expect(rp.op.requests).not.toContain('/token');
  });
});

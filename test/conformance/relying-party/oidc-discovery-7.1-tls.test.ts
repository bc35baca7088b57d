import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Discovery 7.1: a provider is asked over TLS at a public address, unless its host is allowed by name', () => {
  it.each<[string, (port: string) => string[], boolean]>([
    ['not allowed', () => [], false],
    ['another port is allowed', () => ['127.0.0.1:1'], false],
    ['another name of it is allowed', () => ['localhost'], false],
    ['the host is allowed', () => ['127.0.0.1'], true],
    ['host and port are allowed', (port) => [`127.0.0.1:${port}`], true],
  ])('where %s', async (_name, allowed, taken) => {
    const rp = await startRelyingParty('', (op) => allowed(new URL(op.issuer).port));
    const outcome = taken ? (await rp.login()).subject : await rp.breakage({});
    await rp.close();
    expect(outcome).toMatch(taken ? /^user-1$/ : /PROVIDER_ALLOWED_HOSTS/);
    expect(rp.op.requests.length > 0).toBe(taken);
  });
});

import {describe, expect, it} from 'vitest';
import {explain, providerFault} from '../../../src/server/providers/failures.ts';
import {ForbiddenAddressError} from '../../../src/server/providers/guarded-fetch.ts';

const coded = (code: string): Error => Object.assign(new Error('it failed'), {code});

describe("a provider's fault", () => {
  it.each([
    ['ECONNREFUSED', 'unreachable'],
    ['ENOTFOUND', 'unreachable'],
    ['EAI_AGAIN', 'unreachable'],
    ['UND_ERR_SOCKET', 'unreachable'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['OAUTH_TIMEOUT', 'timeout'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unreachable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'unreachable'],
    ['ERR_JWKS_INVALID', 'invalid_response'],
    ['OAUTH_RESPONSE_IS_NOT_CONFORM', 'invalid_response'],
  ])('%s is %s, however deep it is', (code, fault) => {
    expect(providerFault(coded(code))).toBe(fault);
    expect(providerFault(new Error('outer', {cause: new Error('middle', {cause: coded(code)})}))).toBe(fault);
  });

  it('says where it is not allowed to go', () => {
    expect(providerFault(new Error('x', {cause: new ForbiddenAddressError('no')}))).toBe('forbidden_address');
  });

  it('is explained by the chain of its causes, in bounded length', () => {
    expect(explain(new Error('outer', {cause: coded('ECONNREFUSED')}))).toBe(
      'outer: it failed (ECONNREFUSED)',
    );
    expect(explain(new Error('x'.repeat(2000)))).toHaveLength(500);
    expect(explain('no error')).toBe('');
  });
});

import {describe, expect, it} from 'vitest';
import {trustedProxies} from '../../../src/server/http/proxies.ts';
import {networkOf} from '../../../src/server/limits/network.ts';

describe('an entry of X-Forwarded-For with a port', () => {
  it('is of a trusted proxy as without', () => {
    const trusted = trustedProxies(['10.0.0.0/8', '2001:db8::/32']);
    expect(['10.1.2.3:4567', '[2001:db8::1]:4567', '[2001:db8::1]'].map(trusted)).toEqual([true, true, true]);
    expect(['192.0.2.1:10', '[2001:db9::1]:1', '10.1.2.3:', 'x:1'].map(trusted)).toEqual(
      Array(4).fill(false),
    );
  });

  it('counts as the address: a connection more is no client more', () => {
    expect(new Set(['192.0.2.1:1', '192.0.2.1:65000', '192.0.2.1'].map(networkOf))).toEqual(
      new Set(['192.0.2.1']),
    );
    expect(networkOf('[2001:db8:1:2::3]:443')).toBe('2001:db8:1:2::/64');
  });
});

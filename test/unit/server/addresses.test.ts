import {describe, expect, it} from 'vitest';
import {isPublicAddress} from '../../../src/server/providers/addresses.ts';
import {createGuardedFetch} from '../../../src/server/providers/guarded-fetch.ts';

describe('an address is public', () => {
  it.each(['8.8.8.8', '142.250.74.13', '2a00:1450:4001:81d::200d', '2606:4700::1111'])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('an address is not public', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    'localhost',
    '',
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('a request to a provider is refused (OWASP ASVS 1.3.6)', () => {
  const {fetch} = createGuardedFetch({allowedHosts: () => ['allowed.example:8080'], timeoutMs: 500});
  it.each([
    ['plain http', 'http://id.example.com/', 'only https'],
    ['a private address', 'https://10.0.0.1/', 'not public'],
    ['the metadata service', 'https://169.254.169.254/latest/', 'not public'],
    ['loopback', 'https://[::1]/', 'not public'],
    ['loopback in another spelling', 'https://0x7f.1/', 'not public'],
    ['loopback as one number', 'https://2130706433/', 'not public'],
    ['a name that resolves to loopback', 'https://localhost/', 'not public'],
    ['another port of an allowed host', 'http://allowed.example:9090/', 'only https'],
    ['another scheme', 'file:///etc/passwd', 'only https'],
  ])('%s', async (_name, url, message) => {
    await expect(fetch(url)).rejects.toThrow(message);
  });
});

import {isIPv6} from 'node:net';

/**
 * The address in one entry of X-Forwarded-For, which some proxies write with the port: `192.0.2.1:40000`,
 * `[2001:db8::1]:40000`.
 */
export function withoutPort(entry: string): string {
  return (
    /^\[([0-9a-f:.%]+)\](?::\d+)?$/i.exec(entry)?.[1] ?? entry.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
  );
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, of which everybody has a whole one. An IPv4
 * address in IPv6 spelling is the IPv4 address.
 */
export function networkOf(address: string): string {
  const plain = withoutPort(address).replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  // A URL spells an address in its canonical, shortened form.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({length: 8 - left.length - right.length}, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

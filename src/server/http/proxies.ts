import {BlockList, isIP} from 'node:net';
import {withoutPort} from '../limits/network.ts';

/** Whether an address is one of TRUSTED_PROXIES, whose X-Forwarded-For and X-Request-Id are believed. */
export function trustedProxies(blocks: readonly string[]): (address: string) => boolean {
  if (blocks.length === 0) return () => false;
  const list = new BlockList();
  for (const block of blocks) {
    const [network = '', prefix] = block.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return (entry) => {
    const address = withoutPort(entry);
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  };
}

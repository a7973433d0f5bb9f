import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether the host of this address is a proxy of ours, so that what it says about its client is believed. */
export type TrustedProxies = (address: string) => boolean;

/** `networks` in CIDR notation, or single addresses. */
export function trustedProxies(networks: readonly string[]): TrustedProxies {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    const family = familyOf(address);
    list.addSubnet(address, length === undefined ? (family === 'ipv4' ? 32 : 128) : Number(length), family);
  }
  return (address) => isIP(address) !== 0 && list.check(unmapped(address), familyOf(unmapped(address)));
}

/**
 * Where a request comes from: the other end of its connection, or, if that is a proxy of ours, the last address it was
 * told of by none. Headers of anybody else mean nothing. Fastify's `request.ip` is the same; this is for requests that
 * never reach it.
 */
export function clientAddressOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, isTrusted: TrustedProxies): string {
  const forwarded = headers['x-forwarded-for'];
  let address = socket.remoteAddress ?? '';
  const told = forwarded === undefined ? [] : String(forwarded).split(',').map((one) => one.trim());
  while (told.length > 0 && isTrusted(address)) address = told.pop() as string;
  return address;
}

/**
 * What counts as one address: of IPv6 the network of 64 bits, because whoever has one address there has all of them.
 * What is no address at all is one client together.
 */
export function addressKeyOf(address: string): string {
  const plain = unmapped(address);
  if (isIP(plain) === 4) return plain;
  if (isIP(plain) !== 6) return 'unknown';
  const [before = '', after] = plain.replace(/%.*$/, '').split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const network = [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4);
  return `${network.map((part) => Number.parseInt(part, 16).toString(16)).join(':')}::/64`;
}

/** An IPv4 address that an IPv6 socket has written its own way. */
function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

import { addressKeyOf, clientAddressOf, trustedProxies } from './client-address';

const from = (remoteAddress: string, forwarded?: string): string => clientAddressOf({ socket: { remoteAddress } as never, headers: { 'x-forwarded-for': forwarded } }, isTrusted);
const isTrusted = trustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

describe('given proxies that are trusted', () => {
  it('believes what the last of them was told, and nothing that was told before', () => {
    expect(from('10.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(from('10.0.0.1', '1.1.1.1, 203.0.113.9, 10.2.3.4')).toBe('203.0.113.9');
    expect(from('::ffff:10.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(from('fd00::1', '2001:db8::1')).toBe('2001:db8::1');
    expect(from('10.0.0.1', '10.0.0.2')).toBe('10.0.0.2');
    expect(from('10.0.0.1')).toBe('10.0.0.1');
  });

  it('believes nobody else', () => {
    for (const address of ['203.0.113.1', '11.0.0.1', '192.0.2.8', '::ffff:203.0.113.1', 'fe80::1', '', 'nonsense']) expect(from(address, '10.0.0.1, 127.0.0.1')).toBe(address);
    expect(trustedProxies([])('127.0.0.1')).toBe(false);
  });
});

describe('given an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['nonsense', 'unknown'],
    ['', 'unknown'],
    ['__proto__', 'unknown'],
  ])('counts %s as %s', (address, key) => {
    expect(addressKeyOf(address)).toBe(key);
  });
});

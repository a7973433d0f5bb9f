import { randomBytes } from 'node:crypto';
import { basicPasswordOf, bearerOf, hashOf, isGenuine, isSecret, isSessionSecret, newSecret, shownPrefixOf } from './secret';

describe('given a new secret', () => {
  it('is recognised by its kind and differs every time', () => {
    expect(newSecret('token')).toMatch(/^tta_[A-Za-z0-9]{49}$/);
    expect(newSecret('personal-token')).toMatch(/^ttp_[A-Za-z0-9]{49}$/);
    expect(newSecret('client-key')).toMatch(/^ttk_[A-Za-z0-9]{49}$/);
    expect(newSecret('session')).toMatch(/^tts_[A-Za-z0-9]{49}$/);
    expect(new Set(Array.from({ length: 100 }, () => newSecret('token'))).size).toBe(100);
    for (const kind of ['token', 'personal-token', 'client-key'] as const) expect([isSecret(newSecret(kind)), isSessionSecret(newSecret(kind))]).toEqual([true, false]);
    expect([isSecret(newSecret('session')), isSessionSecret(newSecret('session'))]).toEqual([false, true]);
    expect(isSecret(newSecret('link'))).toBe(false);
  });

  it('ends with its checksum, so that one with a typing error is known for what it is', () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const secret = newSecret('client-key');
      expect(isGenuine(secret)).toBe(true);
      const at = 4 + (tries % 49);
      const other = secret[at] === 'a' ? 'b' : 'a';
      expect(isGenuine(secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false);
      expect(isGenuine(secret.replace('ttk_', 'tta_'))).toBe(false);
    }
    // As docs/access.md tells scanners: CRC-32 of everything before it, in base 62.
    expect([isGenuine(`tta_${'0'.repeat(43)}3KsIyC`), isGenuine(`tta_${'0'.repeat(43)}3KsIyD`)]).toEqual([true, false]);
  });

  it('is well-formed as it was made before it had a checksum', () => {
    const older = `tta_${randomBytes(32).toString('base64url')}`;
    expect([isSecret(older), isGenuine(older)]).toEqual([true, true]);
    expect(isSecret(`${older}A`)).toBe(false);
  });

  it('shows eight characters of itself, and is stored as its SHA-256', () => {
    expect(shownPrefixOf('tta_abcdefgh')).toBe('tta_abcd');
    expect(hashOf('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('given an Authorization header', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer  abc', 'abc'],
    ['BEARER abc ', 'abc'],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
    ['abc', undefined],
    ['', undefined],
  ])('finds in %j the bearer %j', (authorization, bearer) => {
    expect(bearerOf({ authorization })).toBe(bearer);
  });

  it('finds a password of HTTP Basic, which may hold colons', () => {
    const authorization = `Basic ${Buffer.from('me:a:b').toString('base64')}`;
    expect(basicPasswordOf({ authorization })).toBe('a:b');
    for (const other of [undefined, 'Basic', 'Basic !!!', 'Bearer abc']) expect(basicPasswordOf({ authorization: other })).toBeUndefined();
  });
});

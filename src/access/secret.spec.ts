import { basicPasswordOf, bearerOf, hashOf, isSecret, newSecret, shownPrefixOf } from './secret';

describe('given a new secret', () => {
  it('is recognised by its kind and differs every time', () => {
    expect(newSecret('token')).toMatch(/^tta_[A-Za-z0-9_-]{43}$/);
    expect(newSecret('client-key')).toMatch(/^ttk_[A-Za-z0-9_-]{43}$/);
    expect(new Set(Array.from({ length: 100 }, () => newSecret('token'))).size).toBe(100);
    expect(isSecret(newSecret('token'))).toBe(true);
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

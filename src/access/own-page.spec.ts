import { csrfTokenOf, requireOwnOrigin, requireOwnPage } from './own-page';

const SECRET = `tts_${'a'.repeat(43)}`;
const PUBLIC = 'https://trimtab.example';
const token = csrfTokenOf(SECRET);

type Headers = Readonly<Record<string, string>>;
const refusalOf = (check: () => void): string => {
  try {
    check();
    return '';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const asked = (headers: Headers, method = 'POST', publicUrl: string | undefined = PUBLIC): string => refusalOf(() => requireOwnPage({ method, headers }, SECRET, publicUrl));

describe('given a request that a cookie authenticates', () => {
  it.each<[string, Headers]>([
    ['with the token', { 'x-csrf-token': token }],
    ['with the token, from our own page', { 'x-csrf-token': token, origin: PUBLIC, 'sec-fetch-site': 'same-origin' }],
  ])('is let through %s', (_name, headers) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(asked(headers, method)).toBe('');
  });

  it.each<[string, Headers]>([
    ['without the token', {}],
    ['with an empty one', { 'x-csrf-token': '' }],
    ['with the token of another session', { 'x-csrf-token': csrfTokenOf(SECRET.replace('a', 'b')) }],
    ['with a part of the token', { 'x-csrf-token': token.slice(0, -1) }],
    ['with the token twice', { 'x-csrf-token': `${token}, ${token}` }],
    ['with the secret for a token', { 'x-csrf-token': SECRET }],
    ['from another site', { 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' }],
    ['from another host of the same site', { 'x-csrf-token': token, 'sec-fetch-site': 'same-site' }],
    ['from another origin', { 'x-csrf-token': token, origin: 'https://evil.example' }],
    ['from our host without encryption', { 'x-csrf-token': token, origin: 'http://trimtab.example' }],
    ['from our host with another port', { 'x-csrf-token': token, origin: 'https://trimtab.example:8443' }],
    ['from a host that begins like ours', { 'x-csrf-token': token, origin: 'https://trimtab.example.evil.example' }],
    ['from nowhere', { 'x-csrf-token': token, origin: 'null' }],
  ])('changes nothing %s', (_name, headers) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'post', 'PROPFIND']) expect(asked(headers, method)).toBe('csrf_refused');
  });

  it('reads without', () => {
    for (const method of ['GET', 'HEAD']) expect(asked({}, method)).toBe('');
  });

  it('compares the origin with the host it came to when nobody has said what people call us', () => {
    const from = (origin: string): string => refusalOf(() => requireOwnOrigin({ method: 'POST', headers: { host: 'localhost:8848', origin } }, undefined));
    expect(from('http://localhost:8848')).toBe('');
    expect(['http://localhost:9', 'http://evil.example', 'null', ''].map(from)).toEqual(Array(4).fill('csrf_refused'));
  });

  it('keeps the token apart from the secret', () => {
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(SECRET).not.toContain(token);
  });
});

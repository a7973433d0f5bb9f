import { requestIdOf } from './request-id';

describe('given X-Request-Id', () => {
  const of = (given: string | string[] | undefined) => requestIdOf({ headers: { 'x-request-id': given } });

  it('keeps one that is safe to repeat', () => {
    for (const id of ['a', 'A-b_c.9', 'x'.repeat(64)]) expect(of(id)).toBe(id);
  });

  it.each([undefined, '', 'a b', 'a\r\nb', 'x'.repeat(65), 'ü', '<script>', ['a', 'b']])('makes its own instead of %j', (given) => {
    expect(of(given)).toMatch(/^[0-9a-f-]{36}$/);
  });
});

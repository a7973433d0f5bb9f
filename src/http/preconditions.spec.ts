import fc from 'fast-check';
import { entityTag, notModified, requireMatch } from './preconditions';

const CURRENT = '"v7"';

describe('given If-Match', () => {
  it.each([
    ['no header', undefined],
    ['the tag', '"v7"'],
    ['the tag in a list', '"v6", "v7"'],
    ['a list with empty elements', ', "v6",, "v7" ,'],
    ['any', '*'],
    ['a tag with a comma beside it', '"a,b", "v7"'],
  ])('lets %s pass', (_name, header) => {
    expect(() => requireMatch(header, CURRENT)).not.toThrow();
  });

  it.each([
    ['another tag', '"v6"'],
    ['the tag as a weak one', 'W/"v7"'],
  ])('refuses %s, and says which tag is current', (_name, header) => {
    expect(() => requireMatch(header, CURRENT)).toThrow(expect.objectContaining({ code: 'precondition_failed', extra: { etag: CURRENT } }));
  });

  it('refuses * when there is nothing', () => {
    expect(() => requireMatch('*', undefined)).toThrow(expect.objectContaining({ code: 'precondition_failed' }));
  });

  it.each(['', ' ', ',', 'v7', '"v7', '"v7" "v8"', '"v7",*', "'v7'", 'w/"v7"'])('calls %j malformed', (header) => {
    expect(() => requireMatch(header, CURRENT)).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });

  it('understands every list of tags it could have given out', () => {
    const opaque = fc.stringMatching(/^[!#-~]{1,12}$/);
    fc.assert(
      fc.property(fc.array(opaque, { minLength: 1, maxLength: 5 }), opaque, (tags, other) => {
        const header = tags.map(entityTag).join(', ');
        expect(() => requireMatch(header, entityTag(tags[0] ?? ''))).not.toThrow();
        if (!tags.includes(other)) expect(() => requireMatch(header, entityTag(other))).toThrow();
      }),
    );
  });
});

describe('given If-None-Match', () => {
  it('knows a tag again, weak or strong, alone or in a list', () => {
    for (const header of ['"v7"', 'W/"v7"', '"v1", W/"v7"', '*']) expect(notModified(header, CURRENT)).toBe(true);
    for (const header of [undefined, '"v8"', 'W/"v8"']) expect(notModified(header, CURRENT)).toBe(false);
  });
});

it('reads a long header at once, however it goes wrong', () => {
  const began = performance.now();
  for (const header of ['"a",', 'x', '"a"', 'W/"a"']) expect(() => notModified(`${header}${' '.repeat(100_000)}x`, CURRENT)).toThrow(/entity tags/);
  expect(performance.now() - began).toBeLessThan(2_000);
});

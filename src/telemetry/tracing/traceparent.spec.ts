import { formatTraceparent, parseTraceparent } from './traceparent';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('given a traceparent header', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    // Of a later version, whose further parts and flags are not known here.
    [`cc-${TRACE}-${SPAN}-03-what-comes-later`, true],
  ])('reads %s', (text, sampled) => {
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([undefined, '', 'x', ['00'], `ff-${TRACE}-${SPAN}-01`, `00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`, `00-${TRACE}-${SPAN}-01-more`, `00-${TRACE}-${SPAN}`])(
    'takes %j for none',
    (text) => {
      expect(parseTraceparent(text)).toBeUndefined();
    },
  );

  it('writes what it reads', () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    expect(formatTraceparent(parseTraceparent(text)!)).toBe(text);
  });
});

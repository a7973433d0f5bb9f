import { Buckets } from './buckets';

let now = 0;
const buckets = (perSecond: number, burst: number): Buckets => new Buckets({ perSecond, burst }, () => now);

beforeEach(() => (now = 1_000_000));

describe('given a bucket of ten, into which five a second flow back', () => {
  it('lets ten be taken in one moment, and says when there is another', () => {
    const one = buckets(5, 10);
    expect(Array.from({ length: 10 }, () => one.take('a'))).toEqual(Array<number>(10).fill(0));
    expect(one.left('a')).toBe(0);
    expect(one.take('a')).toBeCloseTo(200);
    now += 200;
    expect([one.take('a'), one.take('a') > 0]).toEqual([0, true]);
  });

  it('does not make whoever tries too often wait for longer', () => {
    const one = buckets(5, 10);
    for (let count = 0; count < 1_000; count += 1) one.take('a');
    expect(one.take('a')).toBeCloseTo(200);
  });

  it('is full again in time, and never holds more', () => {
    const one = buckets(5, 10);
    for (let count = 0; count < 10; count += 1) one.take('a');
    now += 3_600_000;
    expect(one.left('a')).toBe(10);
  });

  it('has one for each key', () => {
    const one = buckets(5, 1);
    expect([one.take('a'), one.take('b'), one.take('__proto__')]).toEqual([0, 0, 0]);
    expect([one.take('a') > 0, one.take('b') > 0]).toEqual([true, true]);
  });

  it('remembers a bounded number of keys, those that were seen last', () => {
    const one = buckets(1, 1);
    one.take('first');
    for (let count = 0; count < 30_000; count += 1) one.take(`key-${count}`);
    expect(one.left('first')).toBe(1);
    expect(one.left('key-29999')).toBe(0);
    expect((one as unknown as { fullAt: { size: number } }).fullAt.size).toBe(20_000);
  });
});

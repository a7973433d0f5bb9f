import { Backoff } from './backoff.js';

describe('Backoff', () => {
  it('doubles up to its cap, and begins anew when it is reset', () => {
    const backoff = new Backoff(100, 1000, () => 1);
    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('spreads over the whole delay', () => {
    const draws = [0, 0.5, 0.999];
    const backoff = new Backoff(100, 100, () => draws.shift() ?? 0);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 50, 99.9]);
  });
});

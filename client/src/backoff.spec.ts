import { Backoff } from './backoff.js';

describe('Backoff', () => {
  it('doubles up to its cap, and begins anew when it is reset', () => {
    const backoff = new Backoff(100, 1000, () => 1);
    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('spreads a fleet that has lost its server from the first attempt on: no tenth of a second is hit by many', () => {
    const perTenth = Array.from({ length: 10 }, () => 0);
    for (let client = 0; client < 10_000; client += 1) perTenth[Math.floor(new Backoff(1_000, 30_000).next() / 100)]! += 1;
    expect(Math.max(...perTenth)).toBeLessThan(1_300);
    expect(Math.min(...perTenth)).toBeGreaterThan(700);
  });

  it('spreads over the whole delay', () => {
    const draws = [0, 0.5, 0.999];
    const backoff = new Backoff(100, 100, () => draws.shift() ?? 0);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 50, 99.9]);
  });
});

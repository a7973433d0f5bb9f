import { backoffMs } from './backoff';

describe('backoffMs', () => {
  it('doubles up to a cap', () => {
    const longest = [0, 1, 2, 5, 6, 7, 1_000].map((attempt) => backoffMs(attempt, () => 1));
    expect(longest).toEqual([100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
  });

  it('spreads over the whole span, from nothing on', () => {
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 0.5)).toBe(400);
  });
});

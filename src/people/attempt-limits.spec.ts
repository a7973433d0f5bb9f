import fc from 'fast-check';
import { ATTEMPT_LIMITS, pauseAfter } from './attempt-limits';

const DAY = 86_400;
const limits = Object.values(ATTEMPT_LIMITS);

describe('given failures in a row', () => {
  it('pauses longer and longer, and never for ever', () => {
    const pauses = [4, 5, 6, 7, 8, 14, 15, 1_000].map((failures) => pauseAfter(failures, ATTEMPT_LIMITS.pair));
    expect(pauses).toEqual([0, 1, 2, 4, 8, 512, 900, 900]);
  });

  it('never pauses shorter after one more, nor longer than is remembered', () => {
    fc.assert(
      fc.property(fc.constantFrom(...limits), fc.nat(100_000), (limit, failures) => {
        expect(pauseAfter(failures + 1, limit)).toBeGreaterThanOrEqual(pauseAfter(failures, limit));
        expect(pauseAfter(failures, limit)).toBeLessThan(limit.memorySeconds);
      }),
    );
  });

  it('lets the password of one person be tried hardly more than a hundred times a day, from all the world', () => {
    const { login } = ATTEMPT_LIMITS;
    let [seconds, attempts] = [0, 0];
    while (seconds < DAY) {
      attempts += 1;
      seconds += pauseAfter(attempts, login);
    }
    expect(attempts).toBeLessThan(130);
  });
});

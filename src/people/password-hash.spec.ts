import { hash } from '@node-rs/argon2';
import { hashPassword, isOutdated, verifyPassword } from './password-hash';

describe('given the hash of a password', () => {
  it('is argon2id with a salt of its own, at least at the cost that OWASP asks for', async () => {
    const [one, other] = await Promise.all([hashPassword('quiet lamp on the stair'), hashPassword('quiet lamp on the stair')]);
    expect(one).not.toBe(other);
    const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(one) ?? [];
    expect(Number(memory)).toBeGreaterThanOrEqual(19_456);
    expect(Number(passes)).toBeGreaterThanOrEqual(2);
    expect(await verifyPassword(one, 'quiet lamp on the stair')).toBe(true);
    expect(await verifyPassword(one, 'quiet lamp on the stairs')).toBe(false);
    expect(isOutdated(one)).toBe(false);
  });

  it('is told from one that was made when less was asked for', async () => {
    expect(isOutdated(await hash('x', { memoryCost: 19_456, timeCost: 2 }))).toBe(true);
    expect(isOutdated(await hash('x', { memoryCost: 32_768, timeCost: 3, algorithm: 1 }))).toBe(true);
  });

  it('takes as long for somebody who does not exist', async () => {
    const stored = await hashPassword('quiet lamp on the stair');
    const lasting = async (hashed: string | undefined): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const before = performance.now();
        expect(await verifyPassword(hashed, 'x')).toBe(false);
        times.push(performance.now() - before);
      }
      return Math.min(...times);
    };
    expect(isOutdated(stored)).toBe(false);
    const [known, unknown] = [await lasting(stored), await lasting(undefined)];
    expect(unknown).toBeGreaterThan(known / 2);
    expect(unknown).toBeLessThan(known * 2);
  });

  it('refuses what comes beyond a bound instead of queueing it', async () => {
    const stored = await hash('x', { memoryCost: 1024, timeCost: 1 });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => verifyPassword(stored, 'x')));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(58);
    expect(refused[0]).toMatchObject({ reason: { code: 'too_many_requests', extra: { retryAfter: 2 } } });
    expect(await verifyPassword(stored, 'x')).toBe(true);
  });
});

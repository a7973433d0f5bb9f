import { hash, parseOptions, verify } from '@node-rs/argon2';
import { DomainError } from '../kernel/domain-error';

/** `const enum`s of a package are no values in a build file by file. */
const ARGON2ID = 2;

/** Beyond what OWASP asks for (19 MiB, 2 passes); 40 ms of one core. May grow at any time: see {@link isOutdated}. */
const COST = { memoryCost: 32 * 1024, timeCost: 3, parallelism: 1 } as const;
/** Hashing takes threads that the rest of the process reads files and resolves names with: there are four. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 40;

/** The hash of nothing anybody knows: what is compared with when there is no such login, so that this takes as long. */
const NOBODYS = '$argon2id$v=19$m=32768,t=3,p=1$VtGOiFDXXSu8ZjiopbBKlw$S6EHOFGIrhk+HVSDGx4A3V5Dg4BxI87rJe/mICRz++4';

let running = 0;
const waiting: (() => void)[] = [];

export function hashPassword(normalized: string): Promise<string> {
  return inTurn(() => hash(normalized, { ...COST, algorithm: ARGON2ID }));
}

/** Whether the password is the one; without a hash to compare with, never, and after the same work. */
export async function verifyPassword(stored: string | undefined, normalized: string): Promise<boolean> {
  const isRight = await inTurn(() => verify(stored ?? NOBODYS, normalized));
  return stored !== undefined && isRight;
}

/** Whether it was hashed when less was asked for. */
export function isOutdated(stored: string): boolean {
  const { algorithm, memoryCost, timeCost } = parseOptions(stored);
  return (algorithm as number) !== ARGON2ID || memoryCost < COST.memoryCost || timeCost < COST.timeCost;
}

/** A flood of attempts costs a refusal each, and neither memory nor the threads of everybody. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new DomainError('too_many_requests', 'Very many are signing in right now. Try again in a moment.', { extra: { retryAfter: 2 } });
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    // Whoever is next takes this one's place.
    if (next === undefined) running -= 1;
    else next();
  }
}

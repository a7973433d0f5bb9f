import { Turns } from './turns';

/** Enough that one that waits for the database does not hold up the rest, few enough that they share what the first one reads. */
const AT_ONCE = 4;

/**
 * Does the work to every item, a few at once and in slices that leave the event loop to others; also to what a set gains
 * meanwhile. Answers what was thrown, after everything has been tried.
 */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<unknown[]> {
  const failures: unknown[] = [];
  const turns = new Turns();
  const rest = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
      if (turns.isDue) await turns.next();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failures;
}

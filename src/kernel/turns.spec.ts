import { inSlices } from './in-slices';
import { Turns } from './turns';

const burn = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

/** How many turns the event loop takes until the work is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let running = true;
  const count = (): void => {
    turns += 1;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  await work;
  running = false;
  return turns;
}

describe('given work that only computes', () => {
  const items = Array.from({ length: 100 }, (_, index) => index);

  it('leaves the event loop to others again and again', async () => {
    expect(await turnsDuring(inSlices(items, () => Promise.resolve(burn(0.5))))).toBeGreaterThan(10);
  });

  it('lets one of several such works go on in a turn', async () => {
    const order: string[] = [];
    const work = async (name: string): Promise<void> => {
      const turns = new Turns();
      for (let slice = 0; slice < 3; slice += 1) {
        order.push(name);
        await turns.next();
      }
    };
    const both = Promise.all([work('a'), work('b')]);
    expect(await turnsDuring(both)).toBeGreaterThanOrEqual(5);
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('does everything once, and what a set gains meanwhile', async () => {
    const set = new Set([1, 2, 3]);
    const done: number[] = [];
    await inSlices(set, (item) => {
      done.push(item);
      if (item < 10) set.add(item + 3);
      return Promise.resolve();
    });
    expect(done.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('tries everything before it answers what was thrown', async () => {
    const tried: number[] = [];
    const failures = await inSlices(items, (item) => {
      tried.push(item);
      return item % 40 === 7 ? Promise.reject(new Error(`no ${item}`)) : Promise.resolve();
    });
    expect(tried).toHaveLength(items.length);
    expect(failures.map(String)).toEqual(['Error: no 7', 'Error: no 47', 'Error: no 87']);
  });
});

import { ApplyQueue } from './apply-queue.js';

describe('ApplyQueue', () => {
  it('applies at once, before submit returns, when nothing is asynchronous', () => {
    const results: string[] = [];
    const queue = new ApplyQueue<number, string>((n) => `applied ${n}`, 'superseded');
    queue.submit(1, (result) => results.push(result));
    queue.submit(2, (result) => results.push(result));
    expect(results).toEqual(['applied 1', 'applied 2']);
  });

  it('keeps only the newest of what arrives meanwhile', async () => {
    const results: string[] = [];
    let finish: () => void = () => undefined;
    const queue = new ApplyQueue<number, string>((n) => new Promise((resolve) => (finish = () => resolve(`applied ${n}`))), 'superseded');
    for (const n of [1, 2, 3, 4]) queue.submit(n, (result) => results.push(`${n}: ${result}`));
    finish();
    await new Promise(setImmediate);
    finish();
    await new Promise(setImmediate);
    expect(results).toEqual(['2: superseded', '3: superseded', '1: applied 1', '4: applied 4']);
  });

  it('runs tasks between candidates, one at a time, and outlives one that fails', async () => {
    const log: string[] = [];
    const queue = new ApplyQueue<number, string>((n) => (log.push(`apply ${n}`), 'ok'), 'superseded');
    const task = (name: string) => queue.exclusive(async () => {
      log.push(`${name} begins`);
      await new Promise(setImmediate);
      log.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
      return name;
    });
    const tasks = Promise.allSettled([task('a'), task('b')]);
    queue.submit(1);
    queue.submit(2);
    expect((await tasks).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await new Promise(setImmediate);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'apply 2']);
  });

  it('applies nothing once it is closed', () => {
    const results: string[] = [];
    const queue = new ApplyQueue<number, string>((n) => `applied ${n}`, 'superseded');
    queue.close();
    queue.submit(1, (result) => results.push(result));
    expect(results).toEqual(['superseded']);
  });
});

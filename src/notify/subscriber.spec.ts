import { setImmediate as turn } from 'node:timers/promises';
import type { Heads } from './heads';
import { Subscriber } from './subscriber';

const at = (revision: number): Heads => ({ revision, catalog: 0, access: 0 });

describe('Subscriber', () => {
  it('is told each position once, however often it is offered', async () => {
    const told: number[] = [];
    const subscriber = new Subscriber(({ revision }) => void told.push(revision), fail);
    for (const revision of [1, 1, 2, 2]) {
      subscriber.offer(at(revision));
      await turn();
    }
    expect(told).toEqual([1, 2]);
  });

  it('skips to the newest when it is slow, and is never called twice at the same time', async () => {
    const told: number[] = [];
    const releases: (() => void)[] = [];
    let running = 0;
    const subscriber = new Subscriber(async ({ revision }) => {
      expect(++running).toBe(1);
      told.push(revision);
      await new Promise<void>((resolve) => releases.push(resolve));
      running--;
    }, fail);
    for (const revision of [1, 2, 3]) {
      subscriber.offer(at(revision));
      await turn();
    }
    releases.shift()!();
    await turn();
    releases.shift()!();
    await turn();
    expect(told).toEqual([1, 3]);
  });

  it('is offered again what it failed to take', async () => {
    const told: number[] = [];
    const failures: unknown[] = [];
    const subscriber = new Subscriber(({ revision }) => {
      told.push(revision);
      if (told.length === 1) throw new Error('not now');
    }, (error) => failures.push(error));
    for (let time = 0; time < 3; time++) {
      subscriber.offer(at(1));
      await turn();
    }
    expect(told).toEqual([1, 1]);
    expect(failures).toHaveLength(1);
  });

  it('hears nothing after it was stopped', async () => {
    const subscriber = new Subscriber(fail, fail);
    subscriber.offer(at(1));
    subscriber.stop();
    await turn();
  });
});

function fail(): never {
  throw new Error('This must not be called.');
}

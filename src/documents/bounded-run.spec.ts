import { runBounded, TookTooLong } from './bounded-run';

it('gives back what the work gives, and throws what it throws', () => {
  expect(runBounded(() => ({ a: 1 }), 1_000)).toEqual({ a: 1 });
  const fault = new RangeError('mine');
  expect(() => runBounded(() => { throw fault; }, 1_000)).toThrow(fault);
});

it.each<[string, () => unknown]>([
  ['a loop without end', () => { for (;;) Math.random(); }],
  ['a regular expression that goes back without end', () => /^(a+)+$/.test(`${'a'.repeat(60)}!`)],
])('breaks off %s', (_name, work) => {
  const began = performance.now();
  expect(() => runBounded(work, 50)).toThrow(TookTooLong);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(runBounded(() => 1, 1_000)).toBe(1);
});

it('begins again when the process was not given the time', () => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let tries = 0;
  const work = (): number => {
    tries += 1;
    // A wait of the whole thread, as when the process is stopped.
    if (tries === 1) Atomics.wait(pause, 0, 0, 200);
    return tries;
  };
  expect(runBounded(work, 100)).toBe(2);
});

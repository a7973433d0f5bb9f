import { assert, integer, pre, property } from 'fast-check';
import { BREAKS } from './chaos/breaks';
import { checkRun, PROMISES } from './chaos/checkers';
import { linesOf } from './chaos/history';
import { madeHistory } from './chaos/made-history';
import { FAULTS, planChaos, type PlanOptions } from './chaos/plan';
import { Random } from './chaos/random';
import { reportOf } from './chaos/report';

const RUNS = { numRuns: 12 };
const seeds = integer({ min: 0, max: 2 ** 32 - 1 });

it('finds nothing in a history that keeps every promise', () => {
  assert(property(seeds, (seed) => expect(checkRun(madeHistory(seed))).toEqual([])), RUNS);
});

it.each(Object.entries(BREAKS))('notices: %s', (_what, { promise, apply }) => {
  assert(
    property(seeds, (seed) => {
      const broken = apply(madeHistory(seed), new Random(seed));
      pre(broken !== undefined);
      const found = checkRun(broken!).filter((breach) => breach.promise === promise);
      expect(found).not.toEqual([]);
      expect(found[0]!.detail).not.toBe('');
    }),
    RUNS,
  );
});

it('has a way to break every promise it gives a verdict on', () => {
  expect(new Set(Object.values(BREAKS).map(({ promise }) => promise))).toEqual(new Set(PROMISES));
});

it('shows the breach, what it followed on, and the faults around it', () => {
  const history = BREAKS['a client applies an older revision after a newer']!.apply(madeHistory(1), new Random(1))!;
  const report = reportOf({ ...history, faults: [{ kind: 'replica-pause', what: 'replica-1', from: 0, to: 1e6 }] }, checkRun(history));
  expect(report).toMatch(/^BROKEN {2}ordered/m);
  expect(report).toMatch(/^kept {4}durable$/m);
  expect(report).toMatch(/^ordered: client-\d of \S+ applied \d+ after \d+\n {2}during replica-pause of replica-1.*\n( {2}\{"client".*\n?)+/m);
});

it('writes a history as JSON Lines in the order of time', () => {
  const lines = linesOf(madeHistory(1)).trimEnd().split('\n').map((line) => JSON.parse(line) as { what: string; at?: number });
  const times = lines.flatMap(({ at }) => (at === undefined ? [] : [at]));
  expect(times).toEqual([...times].sort((one, other) => one - other));
  expect(new Set(lines.map(({ what }) => what))).toEqual(new Set(['client', 'publish', 'read', 'log', 'end', 'recovery', 'revoked']));
});

describe('given a plan', () => {
  const options: PlanOptions = {
    seed: 1, seconds: 120, replicas: 3, edges: 2, clients: 12, publishers: 3, kinds: Object.keys(FAULTS) as PlanOptions['kinds'],
  };

  it('is the same for the same seed, and another for another', () => {
    expect(planChaos(options)).toEqual(planChaos({ ...options }));
    expect(planChaos({ ...options, seed: 2 }).faults).not.toEqual(planChaos(options).faults);
  });

  it('has every fault in a run of two minutes, and none that begins after its end', () => {
    assert(
      property(seeds, (seed) => {
        const { faults } = planChaos({ ...options, seed });
        expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(options.kinds));
        expect(Math.max(...faults.map(({ at }) => at))).toBeLessThan(120_000);
      }),
      RUNS,
    );
  });
});

import { linesOf } from './chaos/history';
import { reportOf } from './chaos/report';
import type { FaultKind } from './chaos/plan';
import { runChaos } from './chaos/run-chaos';
import { isNoticed, MUTANTS } from './chaos/self-test';
import { stillOpen } from './support/open-resources';

/**
 * Seeds whose runs once broke a promise, and the one that every suite runs. `npm run chaos -- --seconds 120 --seed n`
 * runs longer ones; what they find is added here, as short as it still shows.
 */
const SEEDS: readonly { readonly seed: number; readonly seconds: number; readonly why: string; readonly faults?: readonly FaultKind[] }[] = [
  { seed: 1, seconds: 6, why: 'everything there is' },
  { seed: 3, seconds: 2, faults: ['database-half-open'], why: 'a query on a connection whose far end has vanished' },
];

it.each(SEEDS)(
  'keeps every promise through $seconds s of seed $seed: $why',
  async ({ seed, seconds, faults }) => {
    const { history, breaches } = await runChaos({ seed, seconds, replicas: 2, clients: 8, ...(faults && { faults }) });
    if (breaches.length > 0) throw new Error(reportOf(history, breaches));
    // The verdict would mean nothing if next to nothing had happened.
    expect(history.publishes.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(1);
    expect(history.reads.length).toBeGreaterThan(10);
    for (const { events } of history.clients) expect(events.some(({ type }) => type === 'applied')).toBe(true);
    expect(linesOf(history)).toContain('"what":"fault"');
    expect(stillOpen()).toEqual([]);
  },
  180_000,
);

it('notices a server that is broken on purpose', async () => {
  expect(await isNoticed(MUTANTS[0]!)).toBe(true);
}, 180_000);

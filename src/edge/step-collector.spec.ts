import { StepCollector, type Pointer } from './step-collector';

const pointer = (service: string, revision: number): [string, Pointer] => [
  `${service}@base`,
  { target: { service, environment: 'base' }, revision, etag: `"${revision}"`, sequence: revision },
];

let collector: StepCollector;

/** A reader that has seen everything up to revision 4. */
beforeEach(() => {
  collector = new StepCollector();
  collector.restart(new Map([pointer('orders', 4)]));
  collector.position({ revision: 4, from: null, snapshots: 1 }, true);
});

const take = (service: string, revision: number): void => collector.pointer(...pointer(service, revision));
const shown = (step: ReturnType<StepCollector['position']>) => step && { position: step.position, pointers: [...step.pointers].map(([key, { revision }]) => `${key} ${revision}`) };

it('takes a position with everything before it as one step', () => {
  take('orders', 5);
  take('billing', 5);
  expect(shown(collector.position({ revision: 5, from: 4, snapshots: 2 }, false))).toEqual({ position: 5, pointers: ['orders@base 5', 'billing@base 5'] });
  expect(shown(collector.position({ revision: 6, from: 5, snapshots: 0 }, false))).toEqual({ position: 6, pointers: [] });
});

it('does not take a position before which a snapshot was overtaken, until the newer one is there', () => {
  // Of revisions 5 and 6, both of orders, only the second was still there to be read: after position 5.
  expect(collector.position({ revision: 5, from: 4, snapshots: 1 }, false)).toBeUndefined();
  take('orders', 6);
  expect(collector.position({ revision: 6, from: 5, snapshots: 1 }, false)).toBeUndefined();
  take('orders', 7);
  expect(shown(collector.position({ revision: 7, from: 6, snapshots: 1 }, true))).toEqual({ position: 7, pointers: ['orders@base 7'] });
});

it('does not take a position that was overtaken itself for one that was counted', () => {
  take('orders', 5);
  take('billing', 6);
  expect(collector.position({ revision: 6, from: 5, snapshots: 2 }, false)).toBeUndefined();
});

it('counts again after a position behind which nothing was waiting', () => {
  expect(collector.position({ revision: 5, from: 4, snapshots: 1 }, false)).toBeUndefined();
  expect(collector.position({ revision: 6, from: 5, snapshots: 0 }, true)).toBeDefined();
  take('orders', 7);
  expect(shown(collector.position({ revision: 7, from: 6, snapshots: 1 }, false))).toEqual({ position: 7, pointers: ['orders@base 7'] });
});

it('does not take an old position together with a snapshot that is newer', () => {
  take('orders', 6);
  expect(collector.position({ revision: 5, from: 3, snapshots: 1 }, true)).toBeUndefined();
  expect(shown(collector.position({ revision: 6, from: 5, snapshots: 0 }, true))).toEqual({ position: 6, pointers: ['orders@base 6'] });
});

// Reading one value in the client, against reading it from a plain object and from a Map.
import { against, result } from './support/results.mjs';
import { startRole } from './support/role.mjs';
import { alternate } from './support/statistics.mjs';

/** Less than one byte a read: the smallest object takes twelve. */
const NOTHING_ALLOCATED = 1;

export async function run({ quick }) {
  const times = quick ? 200_000 : 20_000_000;
  const repetitions = quick ? 3 : 15;
  const reads = startRole('value-reads', ['--expose-gc']);
  const time = (of) => () => reads.call('time', { of, times });
  const allocations = async (of) => [await reads.call('allocated', { of, times }), await reads.call('allocated', { of, times })];
  const results = [
    result({ name: 'config.snapshot().db.pool.max against a frozen object', unit: 'ns', ...(await alternate(repetitions, time('snapshot'), time('plain'))), aim: 1.5 }),
    result({ name: "config.get('db.pool.max') against Map.get", unit: 'ns', ...(await alternate(repetitions, time('get'), time('map'))), aim: 2 }),
    against(NOTHING_ALLOCATED, { name: 'allocated by config.snapshot().db.pool.max', unit: 'bytes/read', values: await allocations('snapshot'), aim: 1 }),
    against(NOTHING_ALLOCATED, { name: "allocated by config.get('db.pool.max')", unit: 'bytes/read', values: await allocations('get'), aim: 1 }),
  ];
  await reads.end();
  return results;
}

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { INSTANCE_STATES, type Instance } from '../src/instances/instance';
import { conditionOf, matcherOf, type InstanceFilter } from '../src/instances/instance-filter';
import { InstanceTable } from '../src/instances/instance-table';
import { OUTCOMES } from '../src/instances/outcome';
import { ReplicaTable } from '../src/replicas/replica-table';
import { defaultSettings } from '../src/settings/default-settings';
import { createTestDatabase, type TestDatabase } from './support/database';

let database: TestDatabase;
let instances: Instance[];
const lease = randomUUID();

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const revision = pick(undefined, 1, 2, 3);
const etag = pick(undefined, 'a', 'b');
const instance: fc.Arbitrary<Instance> = fc.record({
  connection: fc.uuid(),
  service: pick('orders', 'billing'),
  environment: pick('base', 'production'),
  info: fc.record({ id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).filter((id) => !id.includes('\0')), labels: fc.dictionary(pick('zone', 'a"b', '__proto__'), pick('x', 'y\\')) }),
  transport: pick('socket.io', 'sse', 'long-poll'),
  connectedAt: fc.constant(new Date(1e12)),
  state: pick(...INSTANCE_STATES),
  revision,
  etag,
  appliedRevision: revision,
  reason: pick(undefined, 'because'),
  reportedAt: pick(undefined, new Date(1e12)),
});
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const filter: fc.Arbitrary<InstanceFilter> = fc
  .record({
    service: optional(pick('orders', 'billing', 'none')),
    environments: optional(pick([], ['base'], ['base', 'production'])),
    revision: optional(pick(1, 2, 3)),
    state: optional(pick(...INSTANCE_STATES)),
    labels: optional(fc.array(fc.tuple(pick('zone', 'a"b', '__proto__', 'constructor'), pick('x', 'y\\')), { maxLength: 2 })),
    outcome: optional(
      fc.record({
        revision: pick(1, 2, 3),
        outcomes: fc.subarray([...OUTCOMES]),
        targets: fc.uniqueArray(fc.record({ service: pick('orders', 'billing'), environment: pick('base', 'production'), etag }), { selector: (target) => `${target.service}@${target.environment}` }),
      }),
    ),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

beforeAll(async () => {
  database = await createTestDatabase();
  const { dataSource } = database;
  const replicas = new ReplicaTable(dataSource, defaultSettings());
  const table = new InstanceTable(dataSource, replicas);
  instances = fc.sample(instance, 500);
  expect(await table.write(lease, { present: instances, gone: [] })).toBe(false);
  await replicas.register(lease, { id: randomUUID(), kind: 'edge', host: 'h', pid: 1, version: '1', startedAt: new Date() }, { position: 0, connections: 0, listening: true });
  expect(await table.write(lease, { present: instances, gone: [] })).toBe(true);
});

afterAll(() => database.close());

it('finds the same in the table as in memory, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(filter, async (asked) => {
      const { sql, values } = conditionOf(asked, 1);
      const rows = await database.dataSource.query<{ connection: string }[]>(`SELECT connection FROM instance i WHERE ${sql}`, [...values]);
      const expected = instances.filter(matcherOf(asked)).map(({ connection }) => connection);
      expect(rows.map(({ connection }) => connection).sort()).toEqual(expected.sort());
    }),
    { numRuns: 200 },
  );
});

import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { AuditChain1763900000005 } from '#migrations/1763900000005-audit-chain';
import { hashOfLine, type Anchor } from '../src/audit/audit-line';
import { AuditLog } from '../src/audit/audit-log';
import { AuditVerifier, type Verified } from '../src/audit/audit-verifier';
import { recordAct, recordAudit, recordAudits, type AuditEntry } from '../src/audit/record-audit';
import { SYSTEM_ACTOR, type Actor } from '../src/kernel/actor';
import { createTestDatabase, type TestDatabase } from './support/database';

const ACTOR: Actor = {
  ...SYSTEM_ACTOR,
  kind: 'token',
  id: '6f1c0d5e-0000-4000-8000-000000000001',
  name: 'pipeline',
  person: { id: '6f1c0d5e-0000-4000-8000-000000000002', name: 'Ada' },
  requestId: 'request-1',
  address: '192.0.2.7',
};
const RECORDS = 30;

let database: TestDatabase;

const entry = (number: number): AuditEntry => ({
  actor: ACTOR,
  action: 'change.publish',
  subject: { kind: 'publish', message: `Änderung ${number}` },
  changed: { layers: [{ service: `service-${number % 3}`, environment: 'production', before: number - 1, version: number }] },
  revision: number,
});

function verify(dataSource: Pick<DataSource, 'query'>, anchor?: Anchor, sinceAnchor = false): Promise<Verified> {
  const log = new AuditLog(dataSource as DataSource);
  return new AuditVerifier(dataSource as DataSource, log).verify({ anchor, sinceAnchor });
}

const headOf = (dataSource: DataSource): Promise<Anchor> => new AuditLog(dataSource).head();

/** Does to the tables what only their owner can, and answers what a check says then. Nothing of it stays. */
async function tampered(statements: readonly string[], anchor?: Anchor, sinceAnchor?: boolean): Promise<Verified> {
  const runner = database.dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    for (const table of ['audit_record', 'audit_chain', 'audit_lookup']) await runner.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    for (const statement of statements) await runner.query(statement);
    return await verify({ query: (text: string, values?: unknown[]) => runner.query(text, values) } as DataSource, anchor, sinceAnchor);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  for (let number = 1; number <= RECORDS; number += 1) await recordAct(database.dataSource, entry(number));
});
afterAll(() => database.close());

describe('given a chain that nobody has touched', () => {
  it('finds every record right, and answers where the chain ends', async () => {
    const head = await headOf(database.dataSource);
    expect(head.position).toBe(RECORDS);
    expect(await verify(database.dataSource)).toEqual({ head, records: RECORDS });
  });

  it('links each record by the hash of its line, which follows from the one before', async () => {
    let previous = '0'.repeat(64);
    for await (const lines of new AuditLog(database.dataSource).whole(await headOf(database.dataSource))) {
      for (const line of lines) {
        expect([line.previous, line.hash]).toEqual([previous, hashOfLine(line)]);
        previous = line.hash;
      }
    }
    expect(previous).toBe((await headOf(database.dataSource)).hash);
  });

  it('checks only what came after an anchor when asked to', async () => {
    const anchor = (await new AuditLog(database.dataSource).at(20))!;
    expect(await verify(database.dataSource, anchor, true)).toMatchObject({ records: RECORDS - 20 });
    expect(await verify(database.dataSource, anchor)).toMatchObject({ records: RECORDS });
    expect((await verify(database.dataSource, await headOf(database.dataSource), true)).fault).toBeUndefined();
  });

  it.each(['UPDATE audit_record SET action = action', 'DELETE FROM audit_record WHERE false', 'TRUNCATE audit_record', 'UPDATE audit_chain SET hash = hash', 'DELETE FROM audit_chain', 'TRUNCATE audit_chain, audit_record', 'DELETE FROM audit_lookup'])(
    'is not changed by %s, also where triggers are switched off for replication',
    async (statement) => {
      const runner = database.dataSource.createQueryRunner();
      try {
        for (const role of ['origin', 'replica']) {
          await runner.query(`SET session_replication_role = ${role}`);
          await expect(runner.query(statement)).rejects.toThrow('The audit is only ever added to');
        }
      } finally {
        await runner.query('RESET session_replication_role');
        await runner.release();
      }
    },
  );
});

describe('given somebody who owns the database', () => {
  beforeEach(() => jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined));
  afterEach(() => jest.restoreAllMocks());

  const CASES: readonly (readonly [what: string, statements: readonly string[], fault: object])[] = [
    ['an altered subject', [`UPDATE audit_record SET subject = subject || '{"message": "Nothing"}' WHERE revision = 7`], { reason: 'altered', position: 7 }],
    ['an altered actor', [`UPDATE audit_record SET actor = jsonb_set(actor, '{person,name}', '"Grace"') WHERE revision = 7`], { reason: 'altered', position: 7 }],
    ['another moment', [`UPDATE audit_record SET at = at - interval '1 ms' WHERE revision = 7`], { reason: 'altered', position: 7 }],
    ['another address', [`UPDATE audit_record SET address = NULL WHERE revision = 7`], { reason: 'altered', position: 7 }],
    ['another version', [`UPDATE audit_record SET changed = jsonb_set(changed, '{layers,0,version}', '8') WHERE revision = 7`], { reason: 'altered', position: 7 }],
    ['an altered hash', [`UPDATE audit_chain SET hash = sha256('x') WHERE position = 7`], { reason: 'altered', position: 7 }],
    ['a record that is linked anew after it was altered', [`UPDATE audit_record SET action = 'change.discard' WHERE revision = 7`, relinked(7, 7)], { reason: 'altered', position: 8 }],
    ['a removed record', ['DELETE FROM audit_record WHERE revision = 7'], { reason: 'removed', position: 7 }],
    ['a removed record with its link', ['DELETE FROM audit_record WHERE revision = 7', 'DELETE FROM audit_chain WHERE position = 7'], { reason: 'missing', position: 7 }],
    ['the first record removed', ['DELETE FROM audit_record WHERE revision = 1', 'DELETE FROM audit_chain WHERE position = 1'], { reason: 'missing', position: 1 }],
    [
      'a removed record, and all after it moved up',
      ['DELETE FROM audit_record WHERE revision = 7', 'DELETE FROM audit_chain WHERE position = 7', ...Array.from({ length: RECORDS - 7 }, (_, index) => `UPDATE audit_chain SET position = ${index + 7} WHERE position = ${index + 8}`)],
      { reason: 'altered', position: 7 },
    ],
    [
      'two records that changed places',
      ['UPDATE audit_chain a SET record_id = -b.record_id FROM audit_chain b WHERE (a.position, b.position) IN ((7, 9), (9, 7))', 'UPDATE audit_chain SET record_id = -record_id WHERE record_id < 0'],
      { reason: 'altered', position: 7 },
    ],
    [
      'two links that changed places',
      ['UPDATE audit_chain SET position = 1000 WHERE position = 7', 'UPDATE audit_chain SET position = 7 WHERE position = 9', 'UPDATE audit_chain SET position = 9 WHERE position = 1000'],
      { reason: 'altered', position: 7 },
    ],
    ['an inserted record', [`INSERT INTO audit_record (actor, action, subject) SELECT actor, action, subject FROM audit_record WHERE revision = 7`], { reason: 'unlinkable' }],
    [
      'an inserted record with a link that somebody made up',
      [`INSERT INTO audit_record (actor, action, subject) SELECT actor, action, subject FROM audit_record WHERE revision = 7`, `INSERT INTO audit_chain SELECT ${RECORDS + 1}, max(id), sha256('x') FROM audit_record`],
      { reason: 'altered', position: RECORDS + 1 },
    ],
    ['a record that a filter no longer finds', [`DELETE FROM audit_lookup WHERE key = '@production' AND record_id = (SELECT record_id FROM audit_chain WHERE position = 7)`], { reason: 'hidden', position: 7 }],
    ['everything removed but the last', ['DELETE FROM audit_record WHERE revision < 30', 'DELETE FROM audit_chain WHERE position < 30'], { reason: 'missing', position: 1 }],
  ];

  it.each(CASES)('finds %s', async (_what, statements, fault) => {
    expect((await tampered(statements)).fault).toMatchObject(fault);
  });

  it('counts the records before the fault', async () => {
    expect(await tampered(['DELETE FROM audit_record WHERE revision = 7'])).toMatchObject({ records: 6 });
  });

  const CUT = ['DELETE FROM audit_record WHERE revision > 25', 'DELETE FROM audit_chain WHERE position > 25'];
  const REWRITTEN = [`UPDATE audit_record SET action = 'change.discard' WHERE revision = 7`, relinked(7, RECORDS)];

  it('cannot see by the chain alone that its end was cut off', async () => {
    expect(await tampered(CUT)).toMatchObject({ records: 25, head: { position: 25 } });
  });

  it.each([false, true])('finds with an anchor that the end was cut off (only since the anchor: %s)', async (since) => {
    const head = await headOf(database.dataSource);
    expect((await tampered(CUT, head, since)).fault).toMatchObject({ reason: 'cut', position: 26 });
  });

  it.each([false, true])('finds with an anchor that everything from one record on was linked anew (only since the anchor: %s)', async (since) => {
    const anchor = (await new AuditLog(database.dataSource).at(10))!;
    expect((await tampered(REWRITTEN)).fault).toBeUndefined();
    expect((await tampered(REWRITTEN, anchor, since)).fault).toMatchObject({ reason: 'rewritten', position: 10 });
  });
});

/** Links the records from one position to another as if nothing had happened. */
function relinked(from: number, to: number): string {
  return `DO $$
    DECLARE
      place bigint;
    BEGIN
      FOR place IN ${from}..${to} LOOP
        UPDATE audit_chain c SET hash = audit_hash(r, place, (SELECT hash FROM audit_chain WHERE position = place - 1)) FROM audit_record r WHERE r.id = c.record_id AND c.position = place;
      END LOOP;
    END
  $$`;
}

describe('given a database of its own', () => {
  let own: TestDatabase;

  beforeEach(async () => {
    own = await createTestDatabase();
  });
  afterEach(() => own.close());

  it('verifies a chain without any record', async () => {
    expect(await verify(own.dataSource)).toEqual({ head: { position: 0, hash: '0'.repeat(64) }, records: 0 });
  });

  it('finds an address in its one spelling, and takes whatever a proxy claims', async () => {
    for (const address of ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::1', 'x'.repeat(10_000)]) await recordAct(own.dataSource, { ...entry(1), actor: { ...ACTOR, address } });
    const log = new AuditLog(own.dataSource);
    expect(await log.list({ address: '192.0.2.9' }, undefined, 10)).toHaveLength(2);
    expect(await log.list({ address: '2001:db8::1' }, undefined, 10)).toHaveLength(1);
    expect(await verify(own.dataSource)).toMatchObject({ records: 4 });
  });

  it('links what a process of the version before records, and what was there before the chain', async () => {
    const runner = own.dataSource.createQueryRunner();
    const migration = new AuditChain1763900000005();
    const insert = (revision: number): Promise<unknown> =>
      runner.query('INSERT INTO audit_record (actor, action, subject, request_id, revision) VALUES ($1, $2, $3, $4, $5)', [
        { kind: 'token', id: 'old', name: 'old' },
        'change.publish',
        { kind: 'publish', message: 'Before', layers: [{ service: 'orders', environment: 'production', version: revision }] },
        'request',
        revision,
      ]);
    try {
      await migration.down(runner);
      for (const revision of [1, 2, 3]) await insert(revision);
      await migration.up(runner);
      await insert(4);
    } finally {
      await runner.release();
    }
    expect(await verify(own.dataSource)).toMatchObject({ records: 4, head: { position: 4 } });
    const found = await new AuditLog(own.dataSource).list({ service: 'orders', environment: 'production', actor: 'old' }, undefined, 10);
    expect(found.map(({ revision }) => revision)).toEqual([4, 3, 2, 1]);
  });

  it('links what many transactions record at the same time, in whatever order they lock other rows', async () => {
    await own.dataSource.query(`INSERT INTO service (name) SELECT 'service-' || n FROM generate_series(0, 4) n`);
    const act = (number: number): Promise<void> =>
      own.dataSource.transaction(async (manager) => {
        await recordAudit(manager, entry(number));
        // Row locks after the record: the chain must not wait for anybody who waits for these.
        await manager.query('UPDATE service SET description = $1 WHERE name = $2', [`${number}`, `service-${number % 5}`]);
        await recordAudits(manager, [entry(number), entry(number)]);
        if (number % 10 === 0) throw new Error('rolled back');
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, number) => act(number)));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
    expect(await verify(own.dataSource)).toMatchObject({ records: 3 * 180, head: { position: 3 * 180 } });
    expect((await verify(own.dataSource)).fault).toBeUndefined();
  });

  it('hashes whatever JSON a record holds as Postgres does', async () => {
    const json = fc.jsonValue({ stringUnit: 'binary' });
    const subjects = fc.sample(json, 150).filter((value) => !JSON.stringify(value).includes('\\u0000') && !/\\ud[89a-f]/i.test(JSON.stringify(value)));
    const special = { '': 0, 'é': 1, ee: 2, eé: 3, a: [1e21, -1.5e-7, 5e-324, 1.7976931348623157e308, 0.1, -0], 'z\u2028\u007f"\\\b': null };
    await own.dataSource.transaction((manager) => recordAudits(manager, [...subjects, special].map((value) => ({ ...entry(1), subject: { value } }))));
    expect((await verify(own.dataSource)).fault).toBeUndefined();
  });
});

import { createTestDatabase, type TestDatabase } from './support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

it('entities describe exactly the columns that the migrations make', async () => {
  const rows = await database.dataSource.query<{ table_name: string; column_name: string; data_type: string; is_nullable: string }[]>(
    `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const migrated = new Map<string, string[]>();
  for (const { table_name, column_name, data_type, is_nullable } of rows) {
    migrated.set(table_name, [...(migrated.get(table_name) ?? []), `${column_name} ${data_type}${is_nullable === 'YES' ? ' null' : ''}`].sort());
  }
  expect(database.dataSource.entityMetadatas.length).toBeGreaterThan(8);
  for (const { tableName, columns } of database.dataSource.entityMetadatas) {
    const described = columns.map(({ databaseName, type, isNullable }) => `${databaseName} ${standardType(type)}${isNullable ? ' null' : ''}`).sort();
    expect({ [tableName]: described }).toEqual({ [tableName]: migrated.get(tableName) });
  }
});

/** The name information_schema has for a type. */
function standardType(type: unknown): string {
  const name = typeof type === 'function' ? { Number: 'integer', String: 'text', Date: 'timestamptz' }[type.name] : String(type);
  return { int: 'integer', timestamptz: 'timestamp with time zone', bool: 'boolean' }[name ?? ''] ?? name ?? '';
}

import type { Client } from 'pg';
import type { EntityManager } from 'typeorm';

/**
 * Runs a statement of the transaction under a name, so that Postgres parses and plans it once per connection and not
 * once per call. For the few statements that run while others wait for a lock. A name belongs to one text for ever.
 */
export async function prepared<Row>(manager: EntityManager, name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
  if (!manager.queryRunner) throw new Error('A prepared statement needs the manager of a transaction.');
  const client = (await manager.queryRunner.connect()) as Client;
  const { rows } = await client.query({ name, text, values: [...values] });
  return rows as Row[];
}

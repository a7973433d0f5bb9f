import type { DataSource, EntityManager } from 'typeorm';
import type { Environment } from './environment.entity';

export interface ReadEnvironments {
  /** Counts what was ever done to environments: as long as it is the same, so are they. */
  readonly counter: number;
  readonly environments: readonly Environment[];
}

interface Row {
  readonly counter: string;
  readonly id: number;
  readonly name: string;
  readonly parent_id: number | null;
  readonly description: string;
  readonly required_approvals: number | null;
  readonly created_at: Date;
}

/** All of them, in one statement, so that counter and rows are of one moment. */
export async function readEnvironments(dataSource: DataSource): Promise<ReadEnvironments> {
  const rows = await dataSource.query<Row[]>(
    `SELECT c.value AS counter, e.id, e.name, e.parent_id, e.description, e.required_approvals, e.created_at
       FROM topic_counter c, environment e
      WHERE c.topic = 'environments'`,
  );
  return { counter: Number(rows[0]!.counter), environments: rows.map(environmentOf) };
}

/** For whoever writes environments: what was checked against the earlier ones has to be checked again. */
export async function countEnvironments(manager: EntityManager): Promise<void> {
  await manager.query(`UPDATE topic_counter SET value = value + 1 WHERE topic = 'environments'`);
}

function environmentOf({ id, name, parent_id, description, required_approvals, created_at }: Row): Environment {
  return { id, name, parentId: parent_id, description, requiredApprovals: required_approvals, createdAt: created_at };
}

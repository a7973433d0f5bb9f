import type { DataSource } from 'typeorm';
import type { Service } from './service.entity';

export interface ReadServices {
  /** The catalog's counter: everything up to it is in here or was before. */
  readonly counter: number;
  /** How many services there are altogether. */
  readonly total: number;
  readonly services: readonly Service[];
}

interface Row {
  readonly counter: string;
  readonly total: string;
  /** Null, with everything after it, in the one row that says that nothing has changed. */
  readonly id: number | null;
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly archived_at: Date | null;
  readonly created_at: Date;
}

/** The services that were written after the counter was `after`, in one statement, so that counter and rows are of one moment. */
export async function readServices(dataSource: DataSource, after: number): Promise<ReadServices> {
  const rows = await dataSource.query<Row[]>(
    `SELECT c.value AS counter, (SELECT count(*) FROM service) AS total,
            s.id, s.name, s.description, s.owner, s.archived_at, s.created_at
       FROM topic_counter c
       LEFT JOIN service s ON s.changed > $1
      WHERE c.topic = 'catalog'`,
    [after],
  );
  const { counter, total } = rows[0]!;
  return { counter: Number(counter), total: Number(total), services: rows.filter(({ id }) => id !== null).map(serviceOf) };
}

function serviceOf({ id, name, description, owner, archived_at, created_at }: Row): Service {
  return { id: id!, name, description, owner, archivedAt: archived_at, createdAt: created_at };
}

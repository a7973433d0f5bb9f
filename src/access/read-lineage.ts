import type { EntityManager } from 'typeorm';
import { LABEL_PATTERN } from '../kernel/names';

/** The names from the root of the tree to `environment`; empty when there is none of that name. */
export async function readLineage(manager: EntityManager, environment: string): Promise<string[]> {
  if (!LABEL_PATTERN.test(environment)) return [];
  const rows = await manager.query<{ name: string }[]>(
    `WITH RECURSIVE lineage AS (
       SELECT name, parent_id, 0 AS depth FROM environment WHERE name = $1
       UNION ALL
       SELECT e.name, e.parent_id, l.depth + 1 FROM environment e JOIN lineage l ON e.id = l.parent_id
     ) SELECT name FROM lineage ORDER BY depth DESC`,
    [environment],
  );
  return rows.map(({ name }) => name);
}

import type { EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import type { Actor } from '../kernel/actor';
import { announce } from '../notify/announce';
import { countEnvironments } from './read-environments';

/** Environments and services to create by the way, as an import does. */
export interface CatalogAdditions {
  readonly environments: readonly { readonly name: string; readonly parentId: number }[];
  readonly services: readonly string[];
}

/** Creates what is not there yet, in the caller's transaction. What somebody else has just created is taken as it is. */
export async function addToCatalog(manager: EntityManager, actor: Actor, { environments, services }: CatalogAdditions): Promise<void> {
  const made = await manager.query<{ name: string }[]>(
    `INSERT INTO environment (name, parent_id) SELECT name, parent_id FROM jsonb_to_recordset($1) AS e(name text, parent_id int)
     ON CONFLICT DO NOTHING RETURNING name`,
    [JSON.stringify(environments.map(({ name, parentId }) => ({ name, parent_id: parentId })))],
  );
  for (const { name } of made) await recordAudit(manager, { actor, action: 'environment.create', subject: { environment: name } });
  if (made.length > 0) await countEnvironments(manager);
  const added = await manager.query<{ name: string }[]>(
    'INSERT INTO service (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING name',
    [services],
  );
  for (const { name } of added) await recordAudit(manager, { actor, action: 'service.create', subject: { service: name } });
  await announce(manager, 'catalog');
}

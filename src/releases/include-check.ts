import type { EntityManager } from 'typeorm';
import { ADVISORY_LOCKS } from '../database/advisory-locks';
import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { layerKey } from '../kernel/names';

const MAX_NAMED = 10;

/**
 * Refuses to archive a service that another still includes. Takes the log's lock, so that no publish can add such an
 * include between this look and the commit of the archiving transaction.
 *
 * @throws DomainError `service_included`
 */
export async function assertNotIncluded(manager: EntityManager, service: { readonly name: string }, authority: Authority): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.log]);
  const includers = await manager.query<{ service: string; environment: string }[]>(
    `SELECT s.name AS service, e.name AS environment
       FROM layer l
       JOIN service s ON s.id = l.service_id AND s.archived_at IS NULL
       JOIN environment e ON e.id = l.environment_id
       JOIN release_document d ON d.layer_id = l.id AND d.version = l.version AND d.kind = 'includes'
       JOIN document_content c ON c.hash = d.hash
      WHERE convert_from(c.content, 'UTF8')::jsonb @> jsonb_build_array(jsonb_build_object('service', $1::text))
      ORDER BY s.name, e.name`,
    [service.name],
  );
  if (includers.length === 0) return;
  const places = includers.filter((includer) => authority.allows('view', includer)).slice(0, MAX_NAMED).map(layerKey);
  const by = places.length === 0 ? 'a service that you may not view. Ask an administrator' : `${places.join(', ')}. Remove it from their includes first`;
  throw new DomainError('service_included', `${service.name} is included by ${by}.`, { extra: { includedBy: places } });
}

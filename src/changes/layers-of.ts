import type { EntityManager } from 'typeorm';
import type { LayerName } from '../kernel/names';
import type { EntryEdit } from './entry-edit';

/** The layers that the edits of a change touch, as they are in the caller's transaction. */
export function layersOf(manager: EntityManager, changeId: number): Promise<LayerName[]> {
  return manager.query<LayerName[]>(
    `SELECT DISTINCT s.name AS service, n.name AS environment
       FROM change_edit e JOIN service s ON s.id = e.service_id JOIN environment n ON n.id = e.environment_id
      WHERE e.change_id = $1`,
    [changeId],
  );
}

/** Each layer once. */
export function layersIn(edits: readonly EntryEdit[]): LayerName[] {
  return [...new Map(edits.map(({ layer }) => [`${layer.service}@${layer.environment}`, layer])).values()];
}

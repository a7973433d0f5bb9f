import type { DataSource } from 'typeorm';
import type { Revision } from '../kernel/revision';
import type { LayerMove } from './head-index';
import { parseIncludes } from './layer-entry';
import type { LogFacts, Mark } from './log-continuity';

export interface ReadHeads {
  readonly facts: LogFacts;
  /** Of the newest revision; none in an empty log. */
  readonly mark: Mark | undefined;
  /** In the order of the log. */
  readonly moves: readonly LayerMove[];
}

interface Row {
  readonly identity: string;
  readonly seen: string;
  readonly head: string;
  readonly head_mark: string | null;
  readonly known_mark: string | null;
  readonly recoveries: readonly (readonly [at: number, after: number])[] | null;
  /** Null, with everything after it, in the one row that says that nothing has moved. */
  readonly id: number | null;
  readonly service: string;
  readonly environment: string;
  readonly version: number;
  readonly revision: string;
  readonly includes: string | null;
}

/**
 * What tells a revision from another of the same number: the microsecond in which its transaction began. Revisions of
 * one history never need telling apart by it.
 */
const MARK = "extract(epoch FROM created_at)::text";

/**
 * The heads of the layers that have moved after a revision, and what is needed to tell whether this is still the log
 * they are thought to be of. The layers' rows are enough: only their newest release matters here. One statement, so that
 * it is all of one moment.
 */
export async function readHeads(dataSource: DataSource, after: Revision, markedRevision: Revision): Promise<ReadHeads> {
  const rows = await dataSource.query<Row[]>(
    `SELECT i.id AS identity, i.seen, coalesce(newest.id, 0) AS head, newest.mark AS head_mark,
            (SELECT ${MARK} FROM revision WHERE id = $2) AS known_mark,
            (SELECT json_agg(json_build_array(r.id, (SELECT coalesce(max(p.id), 0) FROM revision p WHERE p.id < r.id)) ORDER BY r.id)
               FROM revision r WHERE r.kind = 'recovery') AS recoveries,
            l.id, s.name AS service, e.name AS environment, l.version, l.revision,
            CASE WHEN d.hash IS NOT NULL THEN (SELECT convert_from(c.content, 'UTF8') FROM document_content c WHERE c.hash = d.hash) END AS includes
       FROM log_identity i
       LEFT JOIN LATERAL (SELECT id, ${MARK} AS mark FROM revision ORDER BY id DESC LIMIT 1) newest ON true
       LEFT JOIN layer l ON l.revision > $1
       LEFT JOIN service s ON s.id = l.service_id
       LEFT JOIN environment e ON e.id = l.environment_id
       LEFT JOIN release_document d ON d.layer_id = l.id AND d.version = l.version AND d.kind = 'includes'
      ORDER BY l.revision`,
    [after, markedRevision],
  );
  const { identity, seen, head, head_mark, known_mark, recoveries } = rows[0]!;
  return {
    facts: {
      identity,
      head: Number(head),
      seen: Number(seen),
      markText: known_mark,
      recoveries: (recoveries ?? []).map(([at, before]) => ({ at, after: before })),
    },
    mark: head_mark === null ? undefined : { revision: Number(head), text: head_mark },
    moves: rows.filter(({ id }) => id !== null).map(moveOf),
  };
}

function moveOf({ id, service, environment, version, revision, includes }: Row): LayerMove {
  return {
    id: id!,
    layer: { service, environment },
    version,
    revision: Number(revision),
    includes: includes === null ? undefined : parseIncludes(includes),
  };
}

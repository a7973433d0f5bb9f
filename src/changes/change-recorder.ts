import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared';
import { DomainError } from '../kernel/domain-error';
import { lastingActor, type Actor } from '../kernel/actor';
import type { Revision } from '../kernel/revision';
import { hashOf, type LayerEntry } from '../releases/layer-entry';
import type { RevisionKind } from '../releases/revision.entity';
import type { Change } from './change.entity';
import type { EntryEdit } from './entry-edit';

/** The columns of a `change_edit` row, as JSON for one statement over many rows. */
interface EditRow {
  readonly service: string;
  readonly environment: string;
  readonly kind: string;
  readonly name: string;
  readonly format: string | null;
  readonly keys: string | null;
  readonly hash: string | null;
  readonly base_version: number;
  readonly base_format: string | null;
  readonly base_keys: string | null;
  readonly base_hash: string | null;
}

/** Inserts the rows in `$2`, whose contents are stored, as edits of the change that `changeId` (SQL) stands for. */
function insertEdits(changeId: string): string {
  return `
    INSERT INTO change_edit (change_id, service_id, environment_id, kind, name, format, keys, hash,
                             base_version, base_format, base_keys, base_hash)
    SELECT ${changeId}, s.id, e.id, r.kind, r.name, r.format, r.keys, decode(r.hash, 'hex'),
           r.base_version, r.base_format, r.base_keys, decode(r.base_hash, 'hex')
      FROM jsonb_to_recordset($2) AS r(revision bigint, service text, environment text, kind text, name text, format text, keys text, hash text,
                                       base_version int, base_format text, base_keys text, base_hash text)
      JOIN service s ON s.name = r.service
      JOIN environment e ON e.name = r.environment`;
}

/** Adds edits to an open change, or replaces what it did to the same places; what they started from stays. */
export async function saveEdits(manager: EntityManager, changeId: number, edits: readonly EntryEdit[]): Promise<void> {
  const contents = edits.flatMap(({ next }) => (next ? [next.source] : []));
  await manager.query(
    'INSERT INTO document_content (hash, content) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING',
    [contents.map((source) => Buffer.from(hashOf(source), 'hex')), contents.map((source) => Buffer.from(source, 'utf8'))],
  );
  await manager.query(
    `${insertEdits('$1')}
     ON CONFLICT (change_id, service_id, environment_id, kind, name) DO UPDATE
       SET format = excluded.format, keys = excluded.keys, hash = excluded.hash`,
    [changeId, JSON.stringify(edits.map(editRow))],
  );
}

/** A publish that had no draft. */
export interface PublishedChange {
  readonly kind: RevisionKind;
  readonly title: string;
  readonly author: Actor;
  readonly revision: Revision;
  readonly edits: readonly EntryEdit[];
}

/** Stores publishes that had no draft as the published changes they are. One statement: the log's lock is held meanwhile. */
export async function recordPublishedChanges(manager: EntityManager, changes: readonly PublishedChange[]): Promise<void> {
  await prepared(
    manager,
    'record published changes',
    `WITH published AS (
       INSERT INTO change (kind, title, status, author, revision)
       SELECT kind, title, 'published', author, revision
         FROM jsonb_to_recordset($1) AS c(kind text, title text, author jsonb, revision bigint)
       RETURNING id, revision
     )
     ${insertEdits('published.id')}
       JOIN published ON published.revision = r.revision`,
    [
      JSON.stringify(changes.map(({ kind, title, author, revision }) => ({ kind, title, author: lastingActor(author), revision }))),
      JSON.stringify(changes.flatMap(({ edits, revision }) => edits.map((edit) => ({ ...editRow(edit), revision })))),
    ],
  );
}

/** Only the edition that was checked is published: an edit in between must not slip through. */
export async function markPublished(manager: EntityManager, { id, edition }: Change, revision: Revision): Promise<void> {
  const [, updated] = await manager.query<[unknown, number]>(
    `UPDATE change SET status = 'published', revision = $3, updated_at = now()
      WHERE id = $1 AND edition = $2 AND status = 'open'`,
    [id, edition, revision],
  );
  if (updated === 1) return;
  throw new DomainError('change_not_open', `Change ${id} was edited, published or discarded while it was being published. Read it again.`);
}

function editRow(edit: EntryEdit): EditRow {
  const base: LayerEntry | undefined = edit.base.entry;
  return {
    service: edit.layer.service,
    environment: edit.layer.environment,
    kind: edit.kind,
    name: edit.name,
    format: edit.next?.type.format ?? null,
    keys: edit.next?.type.keys ?? null,
    hash: edit.next && hashOf(edit.next.source),
    base_version: edit.base.version,
    base_format: base?.type.format ?? null,
    base_keys: base?.type.keys ?? null,
    base_hash: base?.hash ?? null,
  };
}

import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared';
import { lastingActor, type Actor } from '../kernel/actor';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Include, LayerEntry } from './layer-entry';
import type { LayerHead } from './layer-release';
import type { RevisionKind } from './revision.entity';

export interface NewRevision {
  readonly kind: RevisionKind;
  readonly message: string;
  readonly actor: Actor;
  /** Why it is published without the approvals it would have needed. */
  readonly emergency?: string | undefined;
}

/** The next version of a layer, whole. */
export interface NewRelease {
  readonly layer: LayerName;
  readonly serviceId: number;
  readonly environmentId: number;
  readonly version: number;
  readonly entries: ReadonlyMap<string, LayerEntry>;
  readonly includes: readonly Include[] | undefined;
  readonly includesChanged: boolean;
  /** Sources by hash that may not be stored yet. */
  readonly newSources: ReadonlyMap<string, string>;
}

export interface NumberedRevision {
  readonly revision: Revision;
  readonly proposal: NewRevision & { readonly releases: readonly NewRelease[] };
}

/**
 * Writes revisions with all they hold in one statement, because the log's lock is held for every round trip.
 * No layer may occur twice.
 */
export async function insertReleases(manager: EntityManager, group: readonly NumberedRevision[]): Promise<LayerHead[]> {
  const sources = new Map(group.flatMap(({ proposal }) => proposal.releases.flatMap((release) => [...release.newSources])));
  const releases = group.flatMap(({ revision, proposal }) => proposal.releases.map((release) => ({ revision, release })));
  const rows = await prepared<{ id: number; service_id: number; environment_id: number; version: number; revision: string }>(
    manager,
    'insert releases',
    `WITH contents AS (
       INSERT INTO document_content (hash, content)
       SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING
     ), revisions AS (
       INSERT INTO revision (id, kind, message, actor, emergency, claim_id, traceparent)
       SELECT * FROM jsonb_to_recordset($3) AS r(id bigint, kind text, message text, actor jsonb, emergency text, claim_id uuid, traceparent text)
     ), heads AS (
       INSERT INTO layer (service_id, environment_id, version, revision)
       SELECT service_id, environment_id, version, revision
         FROM jsonb_to_recordset($4) AS l(service_id int, environment_id int, version int, revision bigint)
       ON CONFLICT (service_id, environment_id) DO UPDATE SET version = excluded.version, revision = excluded.revision
       RETURNING id, service_id, environment_id, version, revision
     ), releases AS (
       INSERT INTO release (layer_id, version, revision, includes_changed)
       SELECT heads.id, heads.version, heads.revision, l.includes_changed
         FROM heads JOIN jsonb_to_recordset($4) AS l(service_id int, environment_id int, includes_changed boolean)
              USING (service_id, environment_id)
     ), manifest AS (
       INSERT INTO release_document (layer_id, version, kind, name, format, keys, hash)
       SELECT heads.id, heads.version, m.kind, m.name, m.format, m.keys, decode(m.hash, 'hex')
         FROM heads
         JOIN jsonb_to_recordset($5) AS m(service_id int, environment_id int, kind text, name text, format text, keys text, hash text)
              USING (service_id, environment_id)
     )
     SELECT * FROM heads`,
    [
      [...sources.keys()].map((hash) => Buffer.from(hash, 'hex')),
      [...sources.values()].map((source) => Buffer.from(source, 'utf8')),
      JSON.stringify(group.map(({ revision, proposal }) => revisionRow(revision, proposal))),
      JSON.stringify(
        releases.map(({ revision, release }) => ({
          service_id: release.serviceId,
          environment_id: release.environmentId,
          version: release.version,
          revision,
          includes_changed: release.includesChanged,
        })),
      ),
      JSON.stringify(releases.flatMap(({ release }) => manifestRows(release))),
    ],
  );
  const layers = new Map(releases.map(({ release }) => [`${release.serviceId}/${release.environmentId}`, release.layer]));
  return rows.map((row) => ({
    id: row.id,
    layer: layers.get(`${row.service_id}/${row.environment_id}`)!,
    version: row.version,
    revision: Number(row.revision),
  }));
}

function revisionRow(id: Revision, { kind, message, actor, emergency }: NewRevision): object {
  return { id, kind, message, actor: lastingActor(actor), emergency: emergency ?? null, claim_id: actor.claimId ?? null, traceparent: actor.traceparent ?? null };
}

function manifestRows(release: NewRelease): object[] {
  return [...release.entries.values()].map(({ kind, name, type, hash }) => ({
    service_id: release.serviceId,
    environment_id: release.environmentId,
    kind,
    name,
    format: type.format,
    keys: type.keys,
    hash,
  }));
}

import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { layersWith, type LayerSet } from '../access/layer-set';
import { Catalog } from '../catalog/catalog';
import type { Actor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { compareEntries, type EntryComparison } from './comparison';
import { ContentStore } from './content-store';
import type { LayerRelease } from './layer-release';
import { ReleaseReader } from './release-reader';
import type { RevisionKind } from './revision.entity';

/** A revision without what it did. */
export interface RevisionSummary {
  readonly revision: Revision;
  readonly kind: RevisionKind;
  readonly message: string;
  readonly actor: Actor;
  /** Why it was published without the approvals it would have needed; null: it was not. */
  readonly emergency: string | null;
  readonly createdAt: Date;
}

export interface ReleaseSummary extends RevisionSummary {
  readonly version: number;
}

export interface RevisionDetail extends RevisionSummary {
  /** The layers it gave a new version, with that version. */
  readonly layers: readonly (LayerName & { readonly version: number })[];
}

interface RevisionRow {
  id: string;
  kind: RevisionKind;
  message: string;
  actor: Actor;
  emergency: string | null;
  created_at: Date;
  /** Whether it touched nothing that the reader may not view. */
  whole: boolean;
}

/** In the place of what was written about layers of which the reader may not view all. */
const WITHHELD = 'Part of a change that also touched what you may not view.';
/** Looked at one by one, which is what OFFSET makes the database do, instead of looking through all releases first. */
const RECENT_REVISIONS = 2_000;
const LAYER = { service: 's.name', environment: 'e.name' };
const LAYERS = '(layer l JOIN service s ON s.id = l.service_id JOIN environment e ON e.id = l.environment_id)';

/**
 * Reads the log: what was released when, by whom, and how versions differ. Of a revision that touched several layers a reader
 * sees those they may view; why it was made was written of all of them, and is shown to whoever may view all.
 */
@Injectable()
export class History {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
  ) {}

  /** Releases of a layer, newest first, older than version `before`. */
  async releases(authority: Authority, layer: LayerName, before: number | undefined, limit: number): Promise<ReleaseSummary[]> {
    await this.requireLayer(layer);
    const viewed = this.viewed(authority).condition(LAYER, 5);
    const rows = await this.dataSource.query<(RevisionRow & { version: number })[]>(
      `SELECT release.version, r.id, r.kind, r.message, r.actor, r.emergency, r.created_at,
              NOT EXISTS (SELECT FROM release o JOIN ${LAYERS} ON l.id = o.layer_id WHERE o.revision = r.id AND NOT ${viewed.sql} OFFSET 0) AS whole
         FROM layer l
         JOIN service s ON s.id = l.service_id
         JOIN environment e ON e.id = l.environment_id
         JOIN release ON release.layer_id = l.id
         JOIN revision r ON r.id = release.revision
        WHERE s.name = $1 AND e.name = $2 AND release.version < $3::bigint
        ORDER BY release.version DESC LIMIT $4`,
      [layer.service, layer.environment, before ?? 2 ** 31 - 1, limit, ...viewed.values],
    );
    return rows.map((row) => ({ version: row.version, ...summaryOf(row) }));
  }

  /** @throws DomainError `version_not_found` */
  async release(layer: LayerName, version: number): Promise<LayerRelease> {
    await this.requireLayer(layer);
    const release = await this.reader.version(layer, version);
    if (release) return release;
    throw new DomainError('version_not_found', `${layerKey(layer)} has no version ${version}.`);
  }

  /** How two versions of a layer differ. Version 0 is the empty layer. */
  async compare(layer: LayerName, from: number, to: number): Promise<EntryComparison[]> {
    const [before, after] = await Promise.all([from, to].map((version) => (version === 0 ? undefined : this.release(layer, version))));
    return compareEntries(
      { label: `${layerKey(layer)}@${from}`, entries: before?.entries ?? new Map() },
      { label: `${layerKey(layer)}@${to}`, entries: after?.entries ?? new Map() },
      this.contents,
    );
  }

  /** Revisions that touched anything the reader may view, newest first, older than `before`. */
  async revisions(authority: Authority, before: Revision | undefined, limit: number): Promise<RevisionSummary[]> {
    const { sql, values } = this.viewed(authority).condition(LAYER, 3);
    const read = (revisions: string, seen: string): Promise<RevisionRow[]> =>
      this.dataSource.query(
        `SELECT r.id, r.kind, r.message, r.actor, r.emergency, r.created_at,
                NOT EXISTS (SELECT FROM release o JOIN ${LAYERS} ON l.id = o.layer_id WHERE o.revision = r.id AND NOT ${sql} OFFSET 0) AS whole
           FROM ${revisions} r
          WHERE r.id < $1::bigint AND ${seen}
          ORDER BY r.id DESC LIMIT $2`,
        [before ?? Number.MAX_SAFE_INTEGER, limit, ...values],
      );
    if (authority.allowsEverywhere('view')) return (await read('revision', 'true')).map(summaryOf);
    // Who may view much finds a page among the newest; who may view little has few releases to look through.
    const recent = await read(
      `(SELECT * FROM revision WHERE id < $1::bigint ORDER BY id DESC LIMIT ${RECENT_REVISIONS})`,
      `EXISTS (SELECT FROM release o JOIN ${LAYERS} ON l.id = o.layer_id WHERE o.revision = r.id AND ${sql} OFFSET 0)`,
    );
    if (recent.length === limit) return recent.map(summaryOf);
    return (await read('revision', `r.id IN (SELECT o.revision FROM release o JOIN ${LAYERS} ON l.id = o.layer_id WHERE ${sql})`)).map(summaryOf);
  }

  /** With the layers that the reader may view. @throws DomainError `revision_not_found`, also when there is none of these */
  async revision(authority: Authority, revision: Revision): Promise<RevisionDetail> {
    const rows = await this.dataSource.query<(Omit<RevisionRow, 'whole'> & { service: string | null; environment: string; version: number })[]>(
      `SELECT r.id, r.kind, r.message, r.actor, r.emergency, r.created_at, s.name AS service, e.name AS environment, release.version
         FROM revision r
         LEFT JOIN release ON release.revision = r.id
         LEFT JOIN layer l ON l.id = release.layer_id
         LEFT JOIN service s ON s.id = l.service_id
         LEFT JOIN environment e ON e.id = l.environment_id
        WHERE r.id = $1
        ORDER BY s.name, e.name`,
      [revision],
    );
    const layers = rows.flatMap(({ service, environment, version }) => (service === null ? [] : [{ service, environment, version }]));
    const viewed = layers.filter((layer) => authority.allows('view', layer));
    // One that touched no layer, a recovery, is of the whole log.
    const isSeen = viewed.length > 0 || authority.allowsEverywhere('view');
    if (rows.length === 0 || !isSeen) throw revisionNotFound(revision);
    return { ...summaryOf({ ...rows[0]!, whole: viewed.length === layers.length }), layers: viewed };
  }

  private viewed(authority: Authority): LayerSet {
    return layersWith(authority, 'view', this.catalog.knownDescendantNames);
  }

  private async requireLayer(layer: LayerName): Promise<void> {
    await Promise.all([this.catalog.service(layer.service), this.catalog.environment(layer.environment)]);
  }
}

export function revisionNotFound(revision: Revision): DomainError {
  return new DomainError('revision_not_found', `There is no revision ${revision}.`);
}

function summaryOf({ id, kind, message, actor, emergency, created_at, whole }: RevisionRow): RevisionSummary {
  return {
    revision: Number(id),
    kind,
    message: whole ? message : WITHHELD,
    actor,
    emergency: whole || emergency === null ? emergency : WITHHELD,
    createdAt: created_at,
  };
}

import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { LogListener } from '../notify/log-listener';
import { parseIncludes, type Include } from './layer-entry';
import type { LayerHead } from './layer-release';

/** A layer that a revision gave a new head. `includes` is what it declares now. */
export interface LayerMove extends LayerHead {
  readonly includes: readonly Include[] | undefined;
}

export type MoveListener = (moves: readonly LayerMove[], position: Revision) => void;

interface MoveRow {
  head: string;
  /** Null, with everything after it, in the one row that says that nothing has moved. */
  id: number | null;
  service: string;
  environment: string;
  version: number;
  revision: string;
  includes: string | null;
}

/**
 * Every layer's head and declared includes, in memory, as of one position in the log. It follows the log: a
 * notification, a local publish or a reader that knows of a later revision makes it ask for what came after its
 * position, and the answers are applied in order, so it never goes back and never shows half a revision.
 */
@Injectable()
export class HeadIndex implements OnModuleInit, OnModuleDestroy {
  private readonly heads = new Map<string, LayerHead>();
  private readonly declared = new Map<string, readonly Include[]>();
  /** For each service, the layers that name it in their includes. */
  private readonly includers = new Map<string, Set<string>>();
  private readonly listeners = new Set<MoveListener>();
  private reading: Promise<void> = Promise.resolve();
  private current: Revision = 0;
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.read();
    this.unsubscribe = this.log.subscribe(({ revision }) => this.reach(revision));
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }

  /** The log revision up to which everything is known here. */
  get position(): Revision {
    return this.current;
  }

  head(layer: LayerName): LayerHead | undefined {
    return this.heads.get(layerKey(layer));
  }

  /** The revision that made the head of the layer with this key; 0 without one. */
  revisionOf(key: string): Revision {
    return this.heads.get(key)?.revision ?? 0;
  }

  includes(layer: LayerName): readonly Include[] | undefined {
    return this.declared.get(layerKey(layer));
  }

  /** The service itself and every service that includes it, directly or through others, in any environment. */
  dependentServices(services: Iterable<string>): Set<string> {
    const found = new Set(services);
    for (const service of found) {
      for (const key of this.includers.get(service) ?? []) found.add(this.heads.get(key)!.layer.service);
    }
    return found;
  }

  /** Resolves once everything up to `revision` is applied here; a revision that does not exist yet ends the wait too. */
  async reach(revision: Revision): Promise<void> {
    if (revision <= this.current) return;
    this.reading = this.reading.then(
      () => this.readAfter(revision),
      () => this.readAfter(revision),
    );
    await this.reading;
  }

  /** Like {@link reach}, for a caller to whom the revision must exist. @throws DomainError `revision_not_found` */
  async require(revision: Revision): Promise<void> {
    await this.reach(revision);
    if (revision <= this.current) return;
    throw new DomainError('revision_not_found', `There is no revision ${revision} yet; the newest is ${this.current}.`);
  }

  /** Tells of every move, after it is applied, in the order of the log. */
  onMove(listener: MoveListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Applies what this very process has just committed, without asking the database. `after` is the position the moves
   * follow on; when this index stands elsewhere, the moves are read from the log instead.
   */
  async advance(after: Revision, moves: readonly LayerMove[], position: Revision): Promise<void> {
    if (this.current === after) this.apply(moves, position);
    else await this.reach(position);
  }

  private async readAfter(revision: Revision): Promise<void> {
    if (revision <= this.current) return;
    await this.read();
  }

  /**
   * Applies whatever has moved since the position. The layers' rows are enough: only their newest release matters here.
   * One statement, so that the position and the heads are of one moment.
   */
  private async read(): Promise<void> {
    const rows = await this.dataSource.query<MoveRow[]>(
      `SELECT log.head, l.id, s.name AS service, e.name AS environment, l.version, l.revision,
              convert_from(c.content, 'UTF8') AS includes
         FROM (SELECT coalesce(max(id), 0) AS head FROM revision) log
         LEFT JOIN layer l ON l.revision > $1
         LEFT JOIN service s ON s.id = l.service_id
         LEFT JOIN environment e ON e.id = l.environment_id
         LEFT JOIN release_document d ON d.layer_id = l.id AND d.version = l.version AND d.kind = 'includes'
         LEFT JOIN document_content c ON c.hash = d.hash
        ORDER BY l.revision`,
      [this.current],
    );
    const moves = rows
      .filter((row) => row.id !== null && Number(row.revision) > this.current)
      .map((row) => ({
        id: row.id!,
        layer: { service: row.service, environment: row.environment },
        version: row.version,
        revision: Number(row.revision),
        includes: row.includes === null ? undefined : parseIncludes(row.includes),
      }));
    this.apply(moves, Number(rows[0]!.head));
  }

  private apply(moves: readonly LayerMove[], position: Revision): void {
    for (const move of moves) {
      const key = layerKey(move.layer);
      this.heads.set(key, { id: move.id, layer: move.layer, version: move.version, revision: move.revision });
      this.declare(key, move.includes);
    }
    this.current = Math.max(this.current, position);
    for (const listener of this.listeners) listener(moves, this.current);
  }

  private declare(key: string, includes: readonly Include[] | undefined): void {
    for (const { service } of this.declared.get(key) ?? []) this.includers.get(service)?.delete(key);
    if (includes === undefined) {
      this.declared.delete(key);
      return;
    }
    this.declared.set(key, includes);
    for (const { service } of includes) {
      const keys = this.includers.get(service) ?? new Set<string>();
      this.includers.set(service, keys.add(key));
    }
  }
}

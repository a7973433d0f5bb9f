import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { addToCatalog } from '../catalog/add-to-catalog';
import { Catalog } from '../catalog/catalog';
import { approvalRequired } from '../changes/approval-required';
import { ChangesService } from '../changes/changes.service';
import { Publisher, type PublishResult } from '../changes/publisher';
import type { Actor } from '../kernel/actor';
import { ImportPlanner, type ImportRequest, type PlannedImport } from './import-planner';

export interface ImportResult extends PublishResult, Pick<PlannedImport, 'repository' | 'created' | 'leftover'> {
  /** The change that was left open. */
  readonly change?: number;
}

/**
 * Makes a repository of files the content of layers: one change, one revision. Everything is checked before anything is
 * written. Then the missing services and environments are created together, and then the change is published; should
 * the process die in between, they exist and are empty, which no client notices and the same import finishes.
 */
@Injectable()
export class Importer {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
    private readonly planner: ImportPlanner,
    private readonly changes: ChangesService,
    private readonly publisher: Publisher,
  ) {}

  async run(request: ImportRequest, actor: Actor): Promise<ImportResult> {
    const { repository, created, leftover, edits, rehearsed, again } = await this.planner.plan(request, actor);
    const result = { ...rehearsed, repository, created, leftover };
    if (request.dryRun) return result;

    const need = rehearsed.approvals;
    if (request.publish && request.emergency === undefined && need !== undefined && need.needed > 0) throw approvalRequired({ need, have: 0, isChange: false }, actor);
    if (created.environments.length + created.services.length > 0) {
      await this.dataSource.transaction((manager) => addToCatalog(manager, actor, created));
      await this.catalog.ensureFresh();
    }
    const title = request.title ?? `Import ${repository.services.join(', ')}`.slice(0, 1000);
    if (!request.publish) {
      if (edits.length === 0) return result;
      const { id } = await this.changes.create(title, actor, 'import', edits);
      return { ...result, change: id };
    }
    const published = await this.publisher.publish({
      kind: 'import',
      message: title,
      actor,
      emergency: request.emergency,
      edits: async (head) => (await again(head)).edits,
    });
    return { ...result, ...published };
  }
}

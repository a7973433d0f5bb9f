import { Injectable } from '@nestjs/common';
import { requireAllowed } from '../access/decide';
import { Catalog } from '../catalog/catalog';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey } from '../kernel/names';
import { ContentStore } from '../releases/content-store';
import { entryKey } from '../releases/layer-entry';
import { ReleaseReader } from '../releases/release-reader';
import { KeptSeals } from '../secrets/kept-seals';
import type { Change } from './change.entity';
import { ChangesService } from './changes.service';
import type { EntryEdit } from './entry-edit';

export interface PromotionRequest {
  readonly services: readonly string[];
  readonly from: string;
  readonly to: string;
  /** Absent: every document the source layers hold. */
  readonly documents: readonly string[] | undefined;
  readonly title: string | undefined;
}

/** Proposes the documents of one environment to another: a change, to be looked at and published like any other. */
@Injectable()
export class Promotions {
  constructor(
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
    private readonly changes: ChangesService,
    private readonly seals: KeptSeals,
  ) {}

  async promote({ services, from, to, documents, title }: PromotionRequest, actor: Actor): Promise<Change> {
    if (from === to) throw new DomainError('malformed_request', 'A promotion needs two different environments.', { pointer: '/to' });
    for (const service of services) {
      requireAllowed(actor.authority, 'view', [{ service, environment: from }]);
      requireAllowed(actor.authority, 'edit', [{ service, environment: to }]);
    }
    await Promise.all([this.catalog.environment(from), this.catalog.environment(to), ...services.map((name) => this.catalog.service(name))]);
    const edits: EntryEdit[] = [];
    for (const service of new Set(services)) edits.push(...(await this.editsOf(service, from, to, documents)));
    if (edits.length === 0) {
      throw new DomainError('nothing_to_publish', `${services.map((service) => `${service}@${from}`).join(', ')} holds no documents to promote.`);
    }
    return this.changes.create(title ?? `Promote ${services.join(', ')} from ${from} to ${to}`, actor, 'promotion', await this.seals.keep(edits));
  }

  private async editsOf(
    service: string,
    from: string,
    to: string,
    documents: readonly string[] | undefined,
  ): Promise<EntryEdit[]> {
    const layer = { service, environment: to };
    const [source, target] = await this.reader.head.releases([{ service, environment: from }, layer]);
    const names = documents ?? [...(source?.entries.values() ?? [])].filter(({ kind }) => kind === 'document').map(({ name }) => name);
    const edits: EntryEdit[] = [];
    for (const name of names) {
      const key = entryKey({ kind: 'document', name });
      const entry = source?.entries.get(key);
      if (!entry) throw new DomainError('document_not_found', `${layerKey({ service, environment: from })} has no document ${name}.`);
      const text = (await this.contents.sources([entry.hash])).get(entry.hash)!;
      edits.push({
        layer,
        kind: 'document',
        name,
        next: { type: entry.type, source: text },
        base: { version: target?.version ?? 0, entry: target?.entries.get(key) },
      });
    }
    return edits;
  }
}

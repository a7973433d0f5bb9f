import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Catalog } from '../catalog/catalog';
import type { EntryEdit } from '../changes/entry-edit';
import { ImpactAssessor, INSTANCE_COUNTER, type InstanceCounter } from '../changes/impact';
import { ProposedLayersBuilder } from '../changes/proposed-layers';
import type { PublishResult } from '../changes/publisher';
import { requireIncludable } from '../changes/require-includable';
import { requireRevealable } from '../changes/require-revealable';
import type { Authority } from '../kernel/authority';
import { ContentStore } from '../releases/content-store';
import { HeadIndex } from '../releases/head-index';
import { ReleaseReader } from '../releases/release-reader';
import { SealedChecks } from '../secrets/sealed-checks';
import { SETTINGS, type Settings } from '../settings/settings';

/**
 * Runs everything a publish checks against a catalog that holds services and environments which do not exist yet, so
 * that an import which cannot be published creates nothing at all.
 */
@Injectable()
export class ImportRehearsal {
  constructor(
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly sealed: SealedChecks,
    @Optional() @Inject(INSTANCE_COUNTER) private readonly instances?: InstanceCounter,
  ) {}

  /** @throws DomainError whatever publishing the edits would throw */
  async run(edits: readonly EntryEdit[], catalog: Catalog, authority: Authority): Promise<PublishResult> {
    const { heads, reader, contents } = this;
    await requireIncludable(authority, edits, reader.head, catalog.knownLineageNames);
    await requireRevealable(authority, edits, reader, catalog, contents);
    const proposed = await new ProposedLayersBuilder(catalog, reader, contents, this.settings, heads).build(edits);
    const { impact, truncated, approvals } = await new ImpactAssessor(catalog, heads, reader, contents, this.sealed, this.instances).assess(proposed, authority);
    return { layers: proposed.releases.map(({ layer, version }) => ({ ...layer, version })), impact, truncated, approvals };
  }
}

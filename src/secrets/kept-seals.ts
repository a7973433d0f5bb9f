import { Inject, Injectable } from '@nestjs/common';
import { editDocument } from '../documents/edit-document';
import { parseDocument } from '../documents/parse-document';
import { formatPointer } from '../documents/pointer';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import { ContentStore } from '../releases/content-store';
import type { LayerEntry } from '../releases/layer-entry';
import type { DocumentType } from '../documents/document-type';
import { SETTINGS, type Settings } from '../settings/settings';
import { leafAt, sealedIn } from './sealed-leaves';
import { claimsToBeSealed } from './sealed-text';

interface Source {
  readonly type: DocumentType;
  readonly source: string;
}

/** An edit, as far as it matters here. */
interface Written {
  readonly layer: LayerName;
  readonly kind: string;
  readonly next: Source | null;
  readonly base: { readonly entry: LayerEntry | undefined };
}

/**
 * What comes from another environment, or from a repository, brings the sealed values of where it was: of no use here.
 * Where the layer has a sealed value of its own in the same place, that one stays.
 */
@Injectable()
export class KeptSeals {
  constructor(
    private readonly contents: ContentStore,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async keep<T extends Written>(edits: readonly T[]): Promise<T[]> {
    return Promise.all(edits.map((edit) => this.kept(edit)));
  }

  private async kept<T extends Written>(edit: T): Promise<T> {
    const { next, base, kind } = edit;
    if (kind !== 'document' || next === null || base.entry === undefined || !next.source.includes('trimtab')) return edit;
    const limits = this.settings.documents;
    try {
      const document = parseDocument(next.source, next.type, limits);
      const brought = sealedIn(document);
      if (brought.length === 0) return edit;
      const [own] = await this.contents.parsed([base.entry]);
      const operations = brought.flatMap(({ path, text }) => {
        const value = leafAt(own!.value, path);
        return typeof value === 'string' && claimsToBeSealed(value) && value !== text ? [{ op: 'replace', path: formatPointer(path), value } as const] : [];
      });
      if (operations.length === 0) return edit;
      return { ...edit, next: { type: next.type, source: editDocument(document, { kind: 'json-patch', operations }, limits) } };
    } catch (error) {
      // What is wrong with it is said when it is published.
      if (error instanceof DomainError) return edit;
      throw error;
    }
  }
}

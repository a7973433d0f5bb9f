import type { DocumentType } from '../documents/document-type';
import type { LayerName } from '../kernel/names';
import type { EntryKind, LayerEntry } from '../releases/layer-entry';

/** What a change does to one entry of one layer. */
export interface EntryEdit {
  readonly layer: LayerName;
  readonly kind: EntryKind;
  readonly name: string;
  /** The new source, whole; `null` deletes the entry. */
  readonly next: { readonly type: DocumentType; readonly source: string } | null;
  /** What the editor saw: publishing over anything else is a conflict. */
  readonly base: {
    /** The layer's version then; 0 when it had none. */
    readonly version: number;
    readonly entry: LayerEntry | undefined;
  };
}

/** `orders@production document application`, as errors name it. */
export function editTitle({ layer, kind, name }: Pick<EntryEdit, 'layer' | 'kind' | 'name'>): string {
  const place = `${layer.service}@${layer.environment}`;
  return kind === 'includes' ? `the includes of ${place}` : `${kind} ${name} of ${place}`;
}

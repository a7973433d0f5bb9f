import type { LayerName } from '../kernel/names';
import type { Contents } from '../releases/content-store';
import type { EntryKind, LayerEntry } from '../releases/layer-entry';
import type { EntryEdit } from './entry-edit';

/** An edit whose place has moved: the three sources a person needs to merge by hand. `null` where there was nothing. */
export interface Conflict extends LayerName {
  readonly kind: EntryKind;
  readonly name: string;
  /** What the edit started from. */
  readonly base: string | null;
  /** What is published now. */
  readonly theirs: string | null;
  /** What the edit would have published. */
  readonly yours: string | null;
}

export async function conflictOf(edit: EntryEdit, theirs: LayerEntry | undefined, contents: Contents): Promise<Conflict> {
  const base = edit.base.entry;
  const hashes = [base, theirs].filter((entry) => entry !== undefined).map(({ hash }) => hash);
  const sources = await contents.sources(hashes);
  return {
    ...edit.layer,
    kind: edit.kind,
    name: edit.name,
    base: base ? sources.get(base.hash)! : null,
    theirs: theirs ? sources.get(theirs.hash)! : null,
    yours: edit.next?.source ?? null,
  };
}

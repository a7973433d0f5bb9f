import type { JsonValue } from '@trimtab/client/protocol';
import { LRUCache } from 'lru-cache';
import { diffValues, type KeyChange } from '../documents/diff-values';
import { sameValue } from '../documents/json-object';
import { compileSchema, type Violation } from '../documents/json-schema';
import { mergeValues } from '../documents/merge-documents';
import { serializeValue } from '../documents/serialize-document';
import { entryIdentity, type ContentStore, type Contents } from '../releases/content-store';
import type { DocumentPart, EffectiveDocument } from '../releases/effective-config';

/** Enough for the layers of a library in every environment and of the service that is looked at. */
const KEPT_VALUES = 256;
const KEPT_OUTCOMES = 2_000;

/** What becomes of one document. */
export interface DocumentEffect {
  readonly differs: boolean;
  /** Key by key; absent when nobody asked for them. */
  readonly changes?: readonly KeyChange[];
}

/**
 * What a proposal does to documents, found once for all effective configs that are made of the same entries: of a
 * library, most are. What is kept is bounded, so a library of large documents costs time rather than memory.
 */
export class DocumentEffects {
  private readonly merged = new LRUCache<string, { readonly value: JsonValue }>({ max: KEPT_VALUES });
  private readonly effects = new LRUCache<string, DocumentEffect>({ max: KEPT_OUTCOMES });
  private readonly violations = new LRUCache<string, readonly Violation[]>({ max: KEPT_OUTCOMES });
  private readonly writable = new LRUCache<string, true>({ max: KEPT_OUTCOMES });

  constructor(
    private readonly store: ContentStore,
    private readonly proposed: Contents,
  ) {}

  /** Makes sure that {@link effect} and {@link check} find at hand what these documents are made of. */
  async preload(documents: Iterable<EffectiveDocument>): Promise<void> {
    const entries = [...documents].flatMap(({ parts, schema }) => (schema ? [...parts, schema] : parts)).map(({ entry }) => entry);
    await this.store.preload(entries, this.proposed);
  }

  async effect(was: EffectiveDocument | undefined, becomes: EffectiveDocument | undefined, keyByKey: boolean): Promise<DocumentEffect> {
    const key = `${was ? identity(was.parts) : ''}>${becomes ? identity(becomes.parts) : ''}`;
    const known = this.effects.get(key);
    if (known && (known.changes || !keyByKey)) return known;
    const [before, after] = [was && (await this.value(was.parts)), becomes && (await this.value(becomes.parts))];
    const effect = keyByKey ? listed(diffValues(before, after)) : { differs: !sameValue(before, after) };
    this.effects.set(key, effect);
    return effect;
  }

  /** @throws DomainError `value_not_representable`: a merged document is delivered in the format of its strongest layer. */
  async check({ parts, schema }: EffectiveDocument): Promise<readonly Violation[]> {
    const key = identity(parts);
    if (parts.length > 1 && !this.writable.has(key)) {
      const { format } = parts.at(-1)!.entry.type;
      // JSON and YAML can say whatever the others can.
      if (format !== 'json' && format !== 'yaml') serializeValue(await this.value(parts), format);
      this.writable.set(key, true);
    }
    if (!schema) return [];
    const checked = `${key}#${schema.entry.hash}`;
    const known = this.violations.get(checked);
    if (known) return known;
    const { hash } = schema.entry;
    const source = (await this.proposed.sources([hash])).get(hash)!;
    const found = compileSchema(source)(await this.value(parts));
    this.violations.set(checked, found);
    return found;
  }

  private async value(parts: readonly DocumentPart[]): Promise<JsonValue> {
    const documents = await this.store.parsed(parts.map(({ entry }) => entry), this.proposed);
    if (documents.length === 1) return documents[0]!.value;
    // The fold of the weaker layers is the same for everyone who builds on them.
    let key = '';
    let value: JsonValue = null;
    for (const [index, document] of documents.entries()) {
      key += `${entryIdentity(parts[index]!.entry)} `;
      const known = this.merged.get(key);
      value = known ? known.value : mergeValues(value, document.value);
      if (!known) this.merged.set(key, { value });
    }
    return value;
  }
}

function listed(changes: readonly KeyChange[]): DocumentEffect {
  return { differs: changes.length > 0, changes };
}

function identity(parts: readonly DocumentPart[]): string {
  return parts.map(({ entry }) => entryIdentity(entry)).join(' ');
}

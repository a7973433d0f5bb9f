import type { JsonValue } from '@trimtab/client/protocol';
import { LRUCache } from 'lru-cache';
import { diffValues, type KeyChange } from '../documents/diff-values';
import { sameValue } from '../documents/json-object';
import { compileSchema, type Violation } from '../documents/json-schema';
import { mergeValues } from '../documents/merge-documents';
import type { ParsedDocument } from '../documents/parse-document';
import { serializeValue } from '../documents/serialize-document';
import { entryIdentity, type ContentStore, type Contents } from '../releases/content-store';
import type { DocumentPart, EffectiveDocument } from '../releases/effective-config';
import { sameEntry, type LayerEntry } from '../releases/layer-entry';
import type { SealedChecks } from '../secrets/sealed-checks';
import type { AffectedDocument } from './affected-configs';

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
  private readonly numbers = new Map<string, number>();
  private readonly numbersOfEntries = new Map<LayerEntry, number>();
  private readonly writable = new LRUCache<string, true>({ max: KEPT_OUTCOMES });

  constructor(
    private readonly store: ContentStore,
    private readonly proposed: Contents,
    private readonly sealed: SealedChecks,
  ) {}

  /** Makes sure that {@link effect} and {@link check} find at hand what these documents are made of. */
  async preload(documents: readonly AffectedDocument[]): Promise<void> {
    const entries = new Map<string, LayerEntry>();
    for (const { was, becomes } of documents) {
      for (const { entry } of was?.parts ?? []) entries.set(entry.hash, entry);
      for (const { entry } of becomes?.parts ?? []) entries.set(entry.hash, entry);
      if (becomes?.schema) entries.set(becomes.schema.entry.hash, becomes.schema.entry);
    }
    await this.store.preload([...entries.values()], this.proposed);
  }

  async effect(was: EffectiveDocument | undefined, becomes: EffectiveDocument | undefined, keyByKey: boolean): Promise<DocumentEffect> {
    const key = `${was ? this.identity(was.parts) : ''}>${becomes ? this.identity(becomes.parts) : ''}`;
    const known = this.effects.get(key);
    if (known && (known.changes || !keyByKey)) return known;
    const [before, after] = [was && (await this.value(was.parts)), becomes && (await this.value(becomes.parts))];
    const effect = keyByKey ? listed(diffValues(before, after)) : { differs: !sameValue(before, after) };
    this.effects.set(key, effect);
    return effect;
  }

  /** @throws DomainError `value_not_representable`: a merged document is delivered in the format of its strongest layer. */
  async check({ parts, schema }: EffectiveDocument): Promise<readonly Violation[]> {
    const key = this.identity(parts);
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
    const value = await this.value(parts);
    const layers = await Promise.all(parts.map(async (part) => ({ layer: part.release.layer, document: await this.parsed(part) })));
    const standIns = await this.sealed.standIns(value, layers);
    const found = compileSchema(source)(standIns?.value ?? value, standIns?.sealed);
    this.violations.set(checked, found);
    return found;
  }

  private async value(parts: readonly DocumentPart[]): Promise<JsonValue> {
    // Delivered as written; merged with nothing it would lose its nulls.
    if (parts.length === 1) return (await this.parsed(parts[0]!)).value;
    const keys = this.keys(parts);
    const whole = this.merged.get(keys.at(-1)!);
    if (whole) return whole.value;
    // The fold of the weaker layers is the same for everyone who builds on them.
    let known = keys.length - 2;
    while (known >= 0 && !this.merged.has(keys[known]!)) known -= 1;
    let value = known < 0 ? null : this.merged.get(keys[known]!)!.value;
    for (let index = known + 1; index < parts.length; index += 1) {
      value = mergeValues(value, (await this.parsed(parts[index]!)).value);
      this.merged.set(keys[index]!, { value });
    }
    return value;
  }

  private async parsed({ entry }: DocumentPart): Promise<ParsedDocument> {
    return (await this.store.parsed([entry], this.proposed))[0]!;
  }

  private identity(parts: readonly DocumentPart[]): string {
    return this.keys(parts).at(-1)!;
  }

  /** A short name of what each of the parts makes together with the weaker ones. */
  private keys(parts: readonly DocumentPart[]): string[] {
    let key = '';
    return parts.map(({ entry }) => (key += `${this.numberOf(entry)} `));
  }

  private numberOf(entry: LayerEntry): number {
    const known = this.numbersOfEntries.get(entry);
    if (known !== undefined) return known;
    const identity = entryIdentity(entry);
    const number = this.numbers.get(identity) ?? this.numbers.size;
    this.numbers.set(identity, number);
    this.numbersOfEntries.set(entry, number);
    return number;
  }
}

/**
 * Whether a document that keeps its value is still delivered as another text: what one layer alone defines is delivered as
 * it was written, comments included, and what is merged in the format of the strongest.
 */
export function isRewritten(was: EffectiveDocument | undefined, becomes: EffectiveDocument | undefined): boolean {
  if (!was || !becomes) return was !== becomes;
  const [before, after] = [was.parts.map(({ entry }) => entry), becomes.parts.map(({ entry }) => entry)];
  if (before.length === after.length && before.every((entry, index) => sameEntry(entry, after[index]))) return false;
  return before.length === 1 || after.length === 1 || before.at(-1)!.type.format !== after.at(-1)!.type.format;
}

function listed(changes: readonly KeyChange[]): DocumentEffect {
  return { differs: changes.length > 0, changes };
}

import { Injectable } from '@nestjs/common';
import type { JsonValue } from '@trimtab/client/protocol';
import { Catalog } from '../catalog/catalog';
import type { SealedSpot } from '../documents/json-schema';
import type { ParsedDocument } from '../documents/parse-document';
import { formatPointer } from '../documents/pointer';
import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { DataKeys } from './data-keys';
import { replaced, sealedIn, sealedLeaves, type SealedLeaf } from './sealed-leaves';
import { originOf } from './sealed-places';
import { parseSealed } from './sealed-text';
import { Unsealer } from './unsealer';

/** A document as a change would write it. */
export interface WrittenDocument {
  readonly layer: LayerName;
  readonly name: string;
  readonly document: ParsedDocument;
}

/** A value to hold against a schema, in which something harmless stands in the place of every secret. */
export interface StandIns {
  readonly value: JsonValue;
  readonly sealed: readonly SealedSpot[];
}

interface Foreign extends LayerName {
  readonly document: string;
  readonly path: string;
  /** The layer it was sealed for, as far as that can be told, and to whoever may view it. */
  readonly from?: string;
}

/** What publishing asks of sealed values. */
@Injectable()
export class SealedChecks {
  constructor(
    private readonly keys: DataKeys,
    private readonly unsealer: Unsealer,
    private readonly catalog: Catalog,
  ) {}

  /**
   * A text that was sealed for one layer is noise in another, and would be found out only by the service that needs it.
   *
   * @param known sealed texts that are published in the layers already: what cannot be read any more, because a master key
   * was lost, must not keep anybody from changing what stands beside it
   * @param authority of whoever asks: where a text is from is told to whoever may view that
   * @throws DomainError `sealed_elsewhere`, `sealed_invalid`, each with all places, up to a hundred
   */
  async refuseForeign(documents: readonly WrittenDocument[], known: ReadonlySet<string>, authority: Authority): Promise<void> {
    const elsewhere: Foreign[] = [];
    const invalid: Foreign[] = [];
    for (const { layer, name, document } of documents) {
      for (const leaf of sealedIn(document)) {
        if (known.has(leaf.text)) continue;
        if (elsewhere.length + invalid.length >= LISTED) break;
        const verdict = await this.judge(leaf, layer);
        if (verdict === 'fine') continue;
        const { service, environment } = layer;
        const foreign = { service, environment, document: name, path: formatPointer(leaf.path) };
        if (verdict === 'invalid') invalid.push(foreign);
        else elsewhere.push(verdict.from === undefined || !authority.allows('view', verdict.from) ? foreign : { ...foreign, from: layerKey(verdict.from) });
      }
    }
    if (elsewhere.length > 0) throw refusal('sealed_elsewhere', elsewhere);
    if (invalid.length > 0) throw refusal('sealed_invalid', invalid);
  }

  /**
   * Schemas are held against stand-ins of the same type and not against the secrets: who may attach a schema could
   * otherwise ask for a secret letter by letter. Undefined when nothing in the value is sealed.
   *
   * @param parts what the value was merged from, weakest first
   */
  async standIns(value: JsonValue, parts: readonly { readonly layer: LayerName; readonly document: ParsedDocument }[]): Promise<StandIns | undefined> {
    if (!parts.some(({ document }) => sealedIn(document).length > 0)) return undefined;
    const leaves = sealedLeaves(value);
    const values = leaves.map((leaf) => ({ text: leaf.text, layer: parts.at(originOf(leaf, parts.map(({ document }) => document)))!.layer }));
    const opened = await this.unsealer.open(values);
    const replacements = leaves.flatMap(({ path, text }, index) => {
      const result = opened[index]!;
      return 'value' in result ? [{ path, value: sameType(result.value, text) }] : [];
    });
    const sealed = leaves.map(({ path }, index) => ({ path: formatPointer(path), typed: 'value' in opened[index]! }));
    return { value: replaced(value, replacements), sealed };
  }

  private async judge({ text }: SealedLeaf, layer: LayerName): Promise<'fine' | 'invalid' | { readonly from?: LayerName }> {
    const sealed = parseSealed(text);
    const key = sealed && (await this.keys.find(sealed.keyId));
    if (key === undefined) return 'invalid';
    const [result] = await this.unsealer.open([{ text, layer }]);
    if (result !== undefined && 'value' in result) return 'fine';
    const isOfService = key.service === layer.service;
    const environments = this.catalog.environments().map(({ name }) => ({ service: key.service, environment: name }));
    const candidates = await this.unsealer.open(environments.map((candidate) => ({ text, layer: candidate })));
    const from = environments[candidates.findIndex((candidate) => 'value' in candidate)];
    if (from !== undefined) return { from };
    if (!isOfService) return {};
    // Without its key nothing more can be said; whoever reads it will be told.
    return result !== undefined && 'fault' in result && result.fault === 'damaged' ? 'invalid' : 'fine';
  }
}

/** A copy of a whole layer is refused with the first of them. */
const LISTED = 100;

const SENTENCES = {
  sealed_elsewhere: 'was sealed for another layer and cannot be read in this one. Seal the value for this layer, or leave it to what is inherited',
  sealed_invalid: 'claims to be sealed and is nothing that this installation has sealed. Seal the value again',
} as const;

function refusal(code: keyof typeof SENTENCES, places: readonly Foreign[]): DomainError {
  const { document, path } = places[0]!;
  const more = places.length > 1 ? ` (and ${places.length - 1} more, see sealed)` : '';
  return new DomainError(code, `${layerKey(places[0]!)} document ${document} at "${path}" ${SENTENCES[code]}${more}. Nothing was published.`, {
    pointer: path,
    extra: { sealed: places },
  });
}

/** Of a text the sealed one: as long as most limits ask for. */
function sameType(value: JsonValue, text: string): JsonValue {
  if (typeof value === 'string') return text;
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return false;
  return value === null ? null : Array.isArray(value) ? [] : {};
}

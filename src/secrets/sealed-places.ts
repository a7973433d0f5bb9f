import type { JsonValue } from '@trimtab/client/protocol';
import { formatPointer } from '../documents/pointer';
import type { LayerName } from '../kernel/names';
import type { ReadDocument } from '../releases/effective-reader';
import { leafAt, sealedIn, sealedLeaves, type SealedLeaf } from './sealed-leaves';

/** Where in an effective config a sealed text stands, and the layer that put it there. */
export interface SealedPlace extends LayerName {
  readonly document: string;
  /** RFC 6901. */
  readonly path: string;
}

/** Every sealed text of an effective config. Undefined when there is none, as in most of them. */
export function sealedPlaces(documents: ReadonlyMap<string, ReadDocument>): readonly SealedPlace[] | undefined {
  const places: SealedPlace[] = [];
  for (const [name, { document, content }] of documents) {
    if (!content.parts.some((part) => sealedIn(part).length > 0)) continue;
    for (const leaf of sealedLeaves(content.value)) {
      const { service, environment } = document.parts.at(originOf(leaf, content.parts))!.release.layer;
      places.push({ document: name, path: formatPointer(leaf.path), service, environment });
    }
  }
  return places.length === 0 ? undefined : places;
}

/**
 * Index of the part, weakest first, that a sealed text of the merged value comes from. No two sealed texts are equal, so
 * it is the strongest that has this one in this place.
 */
export function originOf({ path, text }: SealedLeaf, parts: readonly { readonly value: JsonValue }[]): number {
  return parts.findLastIndex(({ value }) => leafAt(value, path) === text);
}

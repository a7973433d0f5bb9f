import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { entryKey, INCLUDES_NAME, type Include, type LayerEntry } from './layer-entry';

/** One version of a layer: its whole manifest, immutable. */
export interface LayerRelease {
  readonly layer: LayerName;
  readonly version: number;
  readonly revision: Revision;
  /** By {@link entryKey}. */
  readonly entries: ReadonlyMap<string, LayerEntry>;
}

/** Where a head stands in the database. */
export interface LayerHead {
  readonly id: number;
  readonly layer: LayerName;
  readonly version: number;
  readonly revision: Revision;
}

/**
 * The layers as somebody sees them: the heads, the log as of a revision, or the heads with a proposal laid over them.
 * Resolving an effective config asks only this, so that impact and history need no code of their own.
 */
export interface LayerView {
  /** The releases of these layers, in the order asked; `undefined` for a layer that has none. */
  releases(layers: readonly LayerName[]): Promise<(LayerRelease | undefined)[]>;
  /** The includes declared in this very layer; `undefined` when it declares none (and inherits). */
  includes(layer: LayerName): Promise<readonly Include[] | undefined>;
}

export const INCLUDES_KEY = entryKey({ kind: 'includes', name: INCLUDES_NAME });

/** A view with some layers replaced by what a change proposes. */
export class OverlayView implements LayerView {
  constructor(
    private readonly below: LayerView,
    private readonly proposed: ReadonlyMap<string, LayerRelease>,
    private readonly proposedIncludes: ReadonlyMap<string, readonly Include[] | undefined>,
  ) {}

  async releases(layers: readonly LayerName[]): Promise<(LayerRelease | undefined)[]> {
    const rest = layers.filter((layer) => !this.proposed.has(layerKey(layer)));
    const below = await this.below.releases(rest);
    const found = new Map(rest.map((layer, index) => [layerKey(layer), below[index]]));
    return layers.map((layer) => this.proposed.get(layerKey(layer)) ?? found.get(layerKey(layer)));
  }

  async includes(layer: LayerName): Promise<readonly Include[] | undefined> {
    const key = layerKey(layer);
    return this.proposedIncludes.has(key) ? this.proposedIncludes.get(key) : this.below.includes(layer);
  }
}

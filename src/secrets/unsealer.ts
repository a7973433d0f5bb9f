import { Injectable } from '@nestjs/common';
import type { JsonValue } from '@trimtab/client/protocol';
import { createHash, createHmac } from 'node:crypto';
import type { LayerName } from '../kernel/names';
import { DataKeys, type KeyFault } from './data-keys';
import { BoxDamaged } from './key-box';
import { parseSealed, unsealValue, type DataKey } from './sealed-text';

/** A sealed text, and the layer it was read from. */
export interface SealedValue {
  readonly text: string;
  readonly layer: LayerName;
}

/** Why a sealed text cannot be read: its key cannot be had, or it is not what was sealed for its layer. */
export type UnsealFault = KeyFault | 'damaged';
export type Unsealed = { readonly value: JsonValue } | { readonly fault: UnsealFault };

/** Opens sealed texts as parts of the layers they stand in. */
@Injectable()
export class Unsealer {
  constructor(private readonly keys: DataKeys) {}

  /** In their order. One that cannot be read is no reason for another not to be. */
  async open(values: readonly SealedValue[]): Promise<Unsealed[]> {
    const keys = new Map<string, DataKey | KeyFault>();
    return this.openWith(values, keys);
  }

  /**
   * The same, with a salt for the ETag of what is made with the values. The ETag of a short secret would otherwise give
   * it away to whoever can try all there are. Equal on every replica, and known to nobody who cannot read the secrets.
   */
  async openSalted(values: readonly SealedValue[], target: LayerName): Promise<{ readonly results: Unsealed[]; readonly salt: string | undefined }> {
    const keys = new Map<string, DataKey | KeyFault>();
    const results = await this.openWith(values, keys);
    const usable = [...keys.values()].filter((key) => typeof key === 'object').sort((a, b) => (a.id < b.id ? -1 : 1));
    return { results, salt: usable.length === 0 ? undefined : saltOf(usable, target) };
  }

  private async openWith(values: readonly SealedValue[], keys: Map<string, DataKey | KeyFault>): Promise<Unsealed[]> {
    const results: Unsealed[] = [];
    for (const { text, layer } of values) {
      const sealed = parseSealed(text);
      if (sealed === undefined) {
        results.push({ fault: 'damaged' });
        continue;
      }
      const key = keys.get(sealed.keyId) ?? (await this.keys.open(sealed.keyId));
      keys.set(sealed.keyId, key);
      results.push(typeof key === 'string' ? { fault: key } : opened(() => unsealValue(sealed, key, layer)));
    }
    return results;
  }
}

function opened(open: () => JsonValue): Unsealed {
  try {
    return { value: open() };
  } catch (error) {
    if (error instanceof BoxDamaged) return { fault: 'damaged' };
    throw error;
  }
}

function saltOf(keys: readonly DataKey[], { service, environment }: LayerName): string {
  const hash = createHash('sha256');
  for (const { bytes } of keys) hash.update(createHmac('sha256', bytes).update(JSON.stringify(['trimtab etag salt', service, environment])).digest());
  return hash.digest('base64url');
}

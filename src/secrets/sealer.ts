import { Injectable } from '@nestjs/common';
import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonObject, objectOf } from '../documents/json-object';
import type { Actor } from '../kernel/actor';
import type { LayerName } from '../kernel/names';
import { KeyRing } from './key-ring';
import { claimsToBeSealed, sealValue, type DataKey } from './sealed-text';

/** Turns values into texts that only the layer they are for can be read with. */
@Injectable()
export class Sealer {
  constructor(private readonly ring: KeyRing) {}

  /** @throws DomainError `master_key_missing`, `service_not_found`, `environment_not_found` */
  async seal(layer: LayerName, value: JsonValue, actor: Actor): Promise<string> {
    return sealValue(value, await this.ring.keyFor(layer, actor), layer);
  }

  /**
   * A merge patch in which every value is sealed that is to be set. A list is one value, because a merge patch replaces it
   * whole; `null` still unsets, and what is sealed already stays as it is.
   */
  async sealPatch(layer: LayerName, patch: JsonValue, actor: Actor): Promise<JsonValue> {
    return sealedPatch(patch, await this.ring.keyFor(layer, actor), layer);
  }
}

function sealedPatch(value: JsonValue, key: DataKey, layer: LayerName): JsonValue {
  if (value === null || (typeof value === 'string' && claimsToBeSealed(value))) return value;
  if (!isJsonObject(value)) return sealValue(value, key, layer);
  return objectOf(Object.keys(value).map((name) => [name, sealedPatch(value[name] as JsonValue, key, layer)] as const));
}

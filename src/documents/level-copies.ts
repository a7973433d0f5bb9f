import type { JsonValue } from '@trimtab/client/protocol';
import type { JsonObject } from './json-object';

/**
 * The levels of a value that were copied to be changed, so that each is copied once and not again by every change that
 * follows: a thousand changes to a large object cost one copy of it.
 */
export class LevelCopies {
  private readonly copies = new WeakSet<object>();

  /** `object` with `key` set, or removed when there is no value. The object itself is changed only if it is a copy. */
  with(object: JsonObject, key: string, value: JsonValue | undefined): JsonObject {
    const level = this.copyOf(object);
    if (value === undefined) Reflect.deleteProperty(level, key);
    else Object.defineProperty(level, key, { value, writable: true, enumerable: true, configurable: true });
    return level;
  }

  private copyOf(object: JsonObject): JsonObject {
    if (this.copies.has(object)) return object;
    // Spreading defines members, `__proto__` too, where an assignment would set the prototype.
    const copy = { ...object };
    this.copies.add(copy);
    return copy;
  }
}

type Container = { [key: string]: unknown };

/**
 * Deep-freezes `next` and gives every part of it that equals the same part of `previous` the identity of the old one,
 * in one pass. So "has it changed" is a comparison of references afterwards, and what did not change is not kept twice.
 *
 * With `owned` the objects of `next` are frozen and rewired in place: right for what was just parsed. Otherwise they
 * belong to someone else (a schema may return the same default object every time) and are copied instead.
 * Only plain objects and arrays are walked; a Date or a Map stays the object it is.
 */
export function reconcile(previous: unknown, next: unknown, owned: boolean): unknown {
  if (Object.is(previous, next) || typeof next !== 'object' || next === null) return next;
  // Frozen already: parts of it may be shared with another snapshot, so it is not ours to rewire.
  const inPlace = owned && !Object.isFrozen(next);
  if (Array.isArray(next)) return reconcileArray(previous, next, inPlace);
  if (isPlain(next)) return reconcileObject(previous, next as Container, inPlace);
  return sameOpaque(previous, next) ? previous : next;
}

function reconcileArray(previous: unknown, next: unknown[], inPlace: boolean): unknown {
  const old: readonly unknown[] | undefined = Array.isArray(previous) ? previous : undefined;
  const target = inPlace ? next : next.slice();
  let same = old !== undefined && old.length === next.length;
  for (let index = 0; index < next.length; index++) {
    const before = old?.[index];
    const value = reconcile(before, next[index], inPlace);
    if (value !== next[index]) target[index] = value;
    if (same && !Object.is(value, before)) same = false;
  }
  return same ? previous : Object.freeze(target);
}

function reconcileObject(previous: unknown, next: Container, inPlace: boolean): unknown {
  const old = typeof previous === 'object' && previous !== null && isPlain(previous) ? (previous as Container) : undefined;
  // Spread copies an own `__proto__` as data, and assigning to a property that exists never reaches a setter above it.
  const target = inPlace ? next : { ...next };
  const keys = Object.keys(next);
  const oldKeys = old === undefined ? undefined : Object.keys(old);
  let same = oldKeys !== undefined && oldKeys.length === keys.length;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    // Usually the keys come in the same order, which saves the look-up.
    const existed = oldKeys !== undefined && (oldKeys[index] === key || Object.hasOwn(old as Container, key));
    const before = existed ? (old as Container)[key] : undefined;
    const value = reconcile(before, next[key], inPlace);
    if (value !== next[key]) target[key] = value;
    if (same && !(existed && Object.is(value, before))) same = false;
  }
  return same ? previous : Object.freeze(target);
}

/** An object literal or what JSON.parse makes; not an instance of a class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

// What schemas commonly make of strings. Anything else counts as changed: a superfluous event is better than none.
function sameOpaque(previous: unknown, next: object): boolean {
  if (next instanceof Date) return previous instanceof Date && previous.getTime() === next.getTime();
  if (next instanceof URL) return previous instanceof URL && previous.href === next.href;
  if (next instanceof RegExp) return previous instanceof RegExp && String(previous) === String(next);
  return false;
}

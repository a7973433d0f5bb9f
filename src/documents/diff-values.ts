import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonObject, member, sameValue } from './json-object';
import { formatPointer } from './pointer';

export interface KeyChange {
  /** RFC 6901. */
  readonly path: string;
  readonly op: 'add' | 'remove' | 'replace';
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** What changed, leaf by leaf: what a reviewer reads. An array is one leaf, since its indices name no item for long. */
export function diffValues(before: JsonValue | undefined, after: JsonValue | undefined): KeyChange[] {
  const changes: KeyChange[] = [];
  collect([], before, after, changes);
  return changes;
}

function collect(path: readonly string[], before: JsonValue | undefined, after: JsonValue | undefined, into: KeyChange[]): void {
  if (sameValue(before, after)) return;
  if (branches(before) && branches(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      collect([...path, key], member(before, key), member(after, key), into);
    }
  } else if (before === undefined && branches(after)) {
    for (const [key, value] of Object.entries(after)) collect([...path, key], undefined, value, into);
  } else if (after === undefined && branches(before)) {
    for (const [key, value] of Object.entries(before)) collect([...path, key], value, undefined, into);
  } else if (before === undefined) {
    into.push({ path: formatPointer(path), op: 'add', after });
  } else if (after === undefined) {
    into.push({ path: formatPointer(path), op: 'remove', before });
  } else {
    into.push({ path: formatPointer(path), op: 'replace', before, after });
  }
}

/** An empty object is a leaf: without a member there is nothing below it to name. */
function branches(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return isJsonObject(value) && Object.keys(value).length > 0;
}

import type { JsonValue } from '@trimtab/client/protocol';
import type { Path } from '../documents/document-type';
import { arrayIndex } from '../documents/pointer';
import { isJsonArray, isJsonObject, member, objectOf } from '../documents/json-object';
import type { ParsedDocument } from '../documents/parse-document';
import { claimsToBeSealed } from './sealed-text';

/** A sealed text and where in a document it stands. */
export interface SealedLeaf {
  readonly path: Path;
  readonly text: string;
}

const NONE: readonly SealedLeaf[] = [];
const known = new WeakMap<ParsedDocument, readonly SealedLeaf[]>();

/** Every sealed text in a document, looked for once: documents are shared by all who build on them. */
export function sealedIn(document: ParsedDocument): readonly SealedLeaf[] {
  const found = known.get(document) ?? (document.type.format === 'text' ? NONE : sealedLeaves(document.value));
  known.set(document, found);
  return found;
}

export function sealedLeaves(value: JsonValue): readonly SealedLeaf[] {
  const leaves: SealedLeaf[] = [];
  collect(value, [], leaves);
  return leaves.length === 0 ? NONE : leaves;
}

function collect(value: JsonValue, path: string[], into: SealedLeaf[]): void {
  if (typeof value === 'string') {
    if (claimsToBeSealed(value)) into.push({ path: [...path], text: value });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    path.push(key);
    collect((value as Readonly<Record<string, JsonValue>>)[key] as JsonValue, path, into);
    path.pop();
  }
}

/** The value at a path; undefined where there is none. Only own members count. */
export function leafAt(value: JsonValue, path: Path): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const key of path) {
    if (isJsonArray(found)) found = found[arrayIndex(key) ?? -1];
    else found = isJsonObject(found) ? member(found, key) : undefined;
  }
  return found;
}

/** What is to stand at a path that leads to something. */
export interface Replacement {
  readonly path: Path;
  readonly value: JsonValue;
}

/** A copy with other values in some places, made in one pass. What is beside the paths is shared. */
export function replaced(value: JsonValue, replacements: readonly Replacement[]): JsonValue {
  const plan: Plan = { below: new Map() };
  for (const { path, value: replacement } of replacements) {
    let step = plan;
    for (const key of path) {
      const next = step.below.get(key) ?? { below: new Map() };
      step.below.set(key, next);
      step = next;
    }
    step.value = { replacement };
  }
  return carriedOut(plan, value);
}

interface Plan {
  readonly below: Map<string, Plan>;
  value?: { readonly replacement: JsonValue };
}

function carriedOut({ below, value: here }: Plan, value: JsonValue): JsonValue {
  if (here !== undefined) return here.replacement;
  const at = (key: string, member: JsonValue): JsonValue => {
    const plan = below.get(key);
    return plan === undefined ? member : carriedOut(plan, member);
  };
  if (isJsonArray(value)) return value.map((item, index) => at(String(index), item));
  if (!isJsonObject(value)) return value;
  return objectOf(Object.keys(value).map((key) => [key, at(key, value[key] as JsonValue)] as const));
}

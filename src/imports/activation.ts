import type { JsonValue } from '@trimtab/client/protocol';
import { editDocument } from '../documents/edit-document';
import { isJsonArray, isJsonObject, member, type JsonObject } from '../documents/json-object';
import type { Path } from '../documents/document-type';
import type { ParsedDocument } from '../documents/parse-document';
import { formatPointer } from '../documents/pointer';

/** When a part of a file applies. */
export interface Activation {
  readonly path: Path;
  /** Any of these profiles activates it. `undefined`: the condition is one that no environment can stand for. */
  readonly profiles: readonly string[] | undefined;
  /** As it is written, for errors. */
  readonly expression: string;
}

/** Where Spring looks: the names since 2.4, and the old one. `on-profile` binds in any spelling. */
const PLACES: readonly Path[] = [
  ['spring', 'config', 'activate', 'on-profile'],
  ['spring', 'config', 'activate', 'onProfile'],
  ['spring', 'config', 'activate', 'on_profile'],
  ['spring', 'config', 'activate', 'on-cloud-platform'],
  ['spring', 'profiles'],
];

/** The conditions a part declares; more than one must hold all at once. */
export function activationsOf(value: JsonValue): Activation[] {
  return PLACES.flatMap((path) => {
    const condition = at(value, path);
    // `spring.profiles` is also where `spring.profiles.active` and others live, which are plain configuration.
    if (condition === undefined || isJsonObject(condition)) return [];
    const names = (isJsonArray(condition) ? condition : [condition]).flatMap((name) => String(name).split(','));
    const profiles = path.includes('on-cloud-platform') ? undefined : anyOf(names);
    return [{ path, profiles, expression: names.join(',') }];
  });
}

/** The source without the condition, and without levels that held nothing else. `undefined` when nothing is left. */
export function withoutActivation(document: ParsedDocument, { path }: Activation): string | undefined {
  let levels = path;
  while (levels.length > 1 && Object.keys(at(document.value, levels.slice(0, -1)) as JsonObject).length === 1) levels = levels.slice(0, -1);
  if (levels.length === 1 && Object.keys(document.value as JsonObject).length === 1) return undefined;
  return editDocument(document, { kind: 'json-patch', operations: [{ op: 'remove', path: formatPointer(levels) }] });
}

/** `a | b` and a list mean any of them. A negation or a conjunction is not an environment. */
function anyOf(names: readonly string[]): string[] | undefined {
  const profiles = names.flatMap((name) => name.split('|')).map((name) => name.trim());
  return profiles.every((name) => /^[^\s!&|()]+$/.test(name)) ? [...new Set(profiles)] : undefined;
}

function at(value: JsonValue, path: Path): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((inner, key) => (isJsonObject(inner) ? member(inner, key) : undefined), value);
}

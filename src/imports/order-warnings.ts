import type { JsonValue } from '@trimtab/client/protocol';
import { isJsonObject, member } from '../documents/json-object';
import { layerKey } from '../kernel/names';
import type { PlacedPart } from './read-repository';

/**
 * The one order that cannot be kept: Spring lets `application-docker.yml` override `orders.yml`, while here all layers
 * of an included service are weaker than the service's own. Parts activated inside `application.yml` are not affected.
 */
export function orderWarnings(parts: readonly PlacedPart[], commonService: string): string[] {
  const common = parts.filter(({ file }) => file.service === commonService && file.profile !== undefined);
  const own = parts.filter(({ file }) => file.service !== commonService && file.profile === undefined);
  return common.flatMap((shared) =>
    own
      .filter(({ layer }) => layer.environment === shared.layer.environment || layer.environment === 'base')
      .flatMap((part) =>
        sharedLeaves(shared.document.value, part.document.value, []).map(
          (path) =>
            `${path} is set in ${shared.file.path} and in ${part.file.path}: Spring lets the former win, here the latter does. ` +
            `If ${part.layer.service} relies on it, set it in ${layerKey({ ...part.layer, environment: shared.layer.environment })}.`,
        ),
      ),
  );
}

/** Dotted paths that both set, and set differently. */
function sharedLeaves(a: JsonValue, b: JsonValue, path: readonly string[]): string[] {
  if (isJsonObject(a) && isJsonObject(b)) {
    return Object.keys(a).flatMap((key) => (Object.hasOwn(b, key) ? sharedLeaves(member(a, key)!, member(b, key)!, [...path, key]) : []));
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [path.join('.')];
}

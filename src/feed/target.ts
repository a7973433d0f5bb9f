import { LABEL_PATTERN, type LayerName } from '../kernel/names';
import { malformed } from './malformed';

const RULE = 'must be 1 to 63 lower case letters, digits and hyphens, and neither begin nor end with a hyphen';

/** The target a client names, checked. */
export function targetOf(service: unknown, environment: unknown): LayerName {
  return { service: label(service, 'service'), environment: label(environment, 'environment') };
}

function label(value: unknown, name: 'service' | 'environment'): string {
  if (typeof value === 'string' && LABEL_PATTERN.test(value)) return value;
  throw malformed(`"${name}" ${RULE}.`, `/${name}`);
}

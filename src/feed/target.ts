import type { Credential } from '../access/credential';
import { LABEL_PATTERN, type LayerName } from '../kernel/names';
import type { ReadTarget } from '../snapshots/delivered-snapshots';
import { malformed } from './malformed';

const RULE = 'must be 1 to 63 lower case letters, digits and hyphens, and neither begin nor end with a hyphen';

/** The target a client names, checked. */
export function targetOf(service: unknown, environment: unknown): LayerName {
  return { service: label(service, 'service'), environment: label(environment, 'environment') };
}

/**
 * Clear text is for client keys, whose services need it. People and their tools get what is stored, whatever they may do:
 * when they are shown a secret that is recorded, and nothing records what is read here.
 */
export function deliveredTo({ kind }: Credential, { service, environment }: LayerName): ReadTarget {
  return kind === 'client-key' ? { service, environment, clear: true } : { service, environment };
}

function label(value: unknown, name: 'service' | 'environment'): string {
  if (typeof value === 'string' && LABEL_PATTERN.test(value)) return value;
  throw malformed(`"${name}" ${RULE}.`, `/${name}`);
}

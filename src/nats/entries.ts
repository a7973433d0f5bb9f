import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';

/** Says that the newest snapshot of a target is in the message with this entry, or in the chunks it names. */
export interface SnapshotEntry {
  readonly revision: Revision;
  readonly etag: string;
  /** Sequences of the messages that hold the content, when it is too large for one; none otherwise. */
  readonly chunks?: readonly number[];
}

/** Everything up to `revision` was written before this entry was. */
export interface PositionEntry {
  readonly revision: Revision;
  /** The position before, and how many snapshots were written between the two: whoever saw that many missed none. */
  readonly from: Revision | null;
  readonly snapshots: number;
}

export interface EnvironmentEntry {
  readonly parent: string | null;
}

/** A client key as edges know it: the hash of its secret and what it reads. Administrator tokens are never here. */
export interface CredentialEntry {
  readonly name: string;
  readonly hash: string;
  readonly service: string;
  readonly environment: string;
  readonly expiresAt?: string;
}

/** A key that values are sealed with, wrapped by a master key that is not in the bucket. */
export interface DataKeyEntry {
  readonly service: string;
  readonly masterKey: string;
  /** Base64. */
  readonly wrapped: string;
  readonly retired: boolean;
}

/** Changes when the bucket's past is no longer what its readers remember: they read everything again. */
export interface GenerationEntry {
  readonly id: string;
}

/** Everything under this prefix is followed by one watch, so that it is seen in the order in which it was written. */
const STATE = 'state';
const PREVIOUS = '-previous';

export const STATE_KEYS = `${STATE}.>`;
export const POSITION_KEY = `${STATE}.position`;
export const GENERATION_KEY = `${STATE}.generation`;

export const snapshotKey = ({ service, environment }: LayerName): string => `${STATE}.snapshot.${environment}.${service}`;
export const chunkKey = ({ service, environment }: LayerName, index: number): string => `chunk.${environment}.${service}.${index}`;
export const environmentKey = (name: string): string => `${STATE}.environment.${name}`;
export const serviceKey = (name: string): string => `${STATE}.service.${name}`;
/** One that is being rotated has an entry for each of its two secrets: an edge of any version knows both. */
export const credentialKey = (id: string, isPrevious = false): string => `${STATE}.credential.${id}${isPrevious ? PREVIOUS : ''}`;
/** The id of a credential in the name of its entry. */
export const credentialIdOf = (name: string): string => (name.endsWith(PREVIOUS) ? name.slice(0, -PREVIOUS.length) : name);
export const dataKeyKey = (id: string): string => `${STATE}.data-key.${id}`;

export type StateKey =
  | { readonly kind: 'snapshot'; readonly target: LayerName }
  | { readonly kind: 'environment' | 'service' | 'credential' | 'data-key'; readonly name: string }
  | { readonly kind: 'position' | 'generation' | 'unknown' };

/** What a key is about. `unknown` is what a later version may write. */
export function parseKey(key: string): StateKey {
  const [, kind, first, second] = key.split('.');
  if (kind === 'snapshot' && first !== undefined && second !== undefined) {
    return { kind, target: { service: second, environment: first } };
  }
  if ((kind === 'environment' || kind === 'service' || kind === 'credential' || kind === 'data-key') && first !== undefined) return { kind, name: first };
  return { kind: kind === 'position' || kind === 'generation' ? kind : 'unknown' };
}

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

/** Changes when the bucket's past is no longer what its readers remember: they read everything again. */
export interface GenerationEntry {
  readonly id: string;
}

/** Everything under this prefix is followed by one watch, so that it is seen in the order in which it was written. */
const STATE = 'state';

export const STATE_KEYS = `${STATE}.>`;
export const POSITION_KEY = `${STATE}.position`;
export const GENERATION_KEY = `${STATE}.generation`;

export const snapshotKey = ({ service, environment }: LayerName): string => `${STATE}.snapshot.${environment}.${service}`;
export const chunkKey = ({ service, environment }: LayerName, index: number): string => `chunk.${environment}.${service}.${index}`;
export const environmentKey = (name: string): string => `${STATE}.environment.${name}`;
export const serviceKey = (name: string): string => `${STATE}.service.${name}`;
export const credentialKey = (id: string): string => `${STATE}.credential.${id}`;

export type StateKey =
  | { readonly kind: 'snapshot'; readonly target: LayerName }
  | { readonly kind: 'environment' | 'service' | 'credential'; readonly name: string }
  | { readonly kind: 'position' | 'generation' | 'unknown' };

/** What a key is about. `unknown` is what a later version may write. */
export function parseKey(key: string): StateKey {
  const [, kind, first, second] = key.split('.');
  if (kind === 'snapshot' && first !== undefined && second !== undefined) {
    return { kind, target: { service: second, environment: first } };
  }
  if ((kind === 'environment' || kind === 'service' || kind === 'credential') && first !== undefined) return { kind, name: first };
  return { kind: kind === 'position' || kind === 'generation' ? kind : 'unknown' };
}

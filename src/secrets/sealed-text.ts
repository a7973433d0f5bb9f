import type { JsonValue } from '@trimtab/client/protocol';
import type { LayerName } from '../kernel/names';
import { BoxDamaged, closeBox, openBox } from './key-box';

const MARK = 'trimtab:sealed:';
const VERSION = '1';
const FORM = /^trimtab:sealed:1:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):([A-Za-z0-9_-]+)$/;

/** A key that values of one service are sealed with. */
export interface DataKey {
  readonly id: string;
  readonly service: string;
  readonly bytes: Buffer;
}

/** A sealed text taken apart, and not opened. */
export interface SealedText {
  readonly keyId: string;
  readonly box: Buffer;
}

/** Whether a text claims to be sealed, in this form or one that is not known here. */
export function claimsToBeSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** Undefined when it is not of the form this version writes. */
export function parseSealed(text: string): SealedText | undefined {
  const [, keyId, encoded] = FORM.exec(text) ?? [];
  if (keyId === undefined || encoded === undefined) return undefined;
  const box = Buffer.from(encoded, 'base64url');
  // One spelling for one box: otherwise the last character could be changed without anybody noticing.
  return box.toString('base64url') === encoded ? { keyId, box } : undefined;
}

/** The text that stands in a document instead of the value. It can be read as part of this layer, and nowhere else. */
export function sealValue(value: JsonValue, key: DataKey, layer: LayerName): string {
  const box = closeBox(key.bytes, Buffer.from(JSON.stringify(value), 'utf8'), boundTo(key.id, layer));
  return `${MARK}${VERSION}:${key.id}:${box.toString('base64url')}`;
}

/** @throws BoxDamaged when it was sealed for another layer or with another key, or has been changed */
export function unsealValue({ keyId, box }: SealedText, key: DataKey, layer: LayerName): JsonValue {
  if (keyId !== key.id) throw new BoxDamaged('It was sealed with another key.');
  return JSON.parse(openBox(key.bytes, box, boundTo(keyId, layer)).toString('utf8')) as JsonValue;
}

/** Not the document, nor the place in it: a key may move within its layer, and be read there by the same people. */
function boundTo(keyId: string, { service, environment }: LayerName): readonly string[] {
  return ['trimtab sealed value', VERSION, keyId, service, environment];
}

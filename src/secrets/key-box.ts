import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Bytes of every key: that of AES-256. */
export const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What was to be opened is not what was closed with this key and for this place. Says no more than that. */
export class BoxDamaged extends Error {}

/**
 * AES-256-GCM with a random 96-bit iv: `iv | ciphertext | tag`. A key closes at most some millions of boxes, far below
 * the 2^32 at which random ivs begin to be likely to meet.
 */
export function closeBox(key: Buffer, content: Buffer, boundTo: readonly string[]): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(bound(boundTo));
  return Buffer.concat([iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** @throws BoxDamaged when it was closed with another key, for another place, or changed since */
export function openBox(key: Buffer, box: Buffer, boundTo: readonly string[]): Buffer {
  if (box.length < IV_BYTES + TAG_BYTES) throw new BoxDamaged('The box is too short.');
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES }).setAAD(bound(boundTo));
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(box.subarray(IV_BYTES, box.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new BoxDamaged('The box does not open with this key for this place.', { cause });
  }
}

/** JSON, so that no two lists of texts are the same bytes. */
function bound(boundTo: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(boundTo), 'utf8');
}

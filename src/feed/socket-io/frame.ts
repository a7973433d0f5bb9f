import { FEED_EVENT } from '@trimtab/client/protocol';
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';

/** Engine.IO "message", Socket.IO "event" in the default namespace. */
const PACKET = '42';
const BEFORE = Buffer.from(`${PACKET}["${FEED_EVENT}",`);
const AFTER = Buffer.from(']');
const FIN_TEXT = 0x81;
const COMPRESSED = 0x40;
/** What a flush ends with; RFC 7692 section 7.2.1 leaves it out. */
const FLUSH_BYTES = 4;
/** Larger ones are compressed less well, and several times as fast. */
const LARGE_BYTES = 1024 * 1024;
const compress = promisify(deflateRaw);

/**
 * The whole WebSocket frame (RFC 6455 section 5.2) of one message: a text frame, final, not masked, not compressed.
 * Made once for each message and written as it is to every connection.
 */
export function frameOf(json: readonly Buffer[]): Buffer {
  const payload = [BEFORE, ...json, AFTER];
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([headerOf(FIN_TEXT, length), ...payload]);
}

/**
 * The same, compressed (RFC 7692) without any context of the connection: so it is still made once, and no connection
 * has a compressor of its own. Not compressed if that saves nothing.
 */
export async function compressedFrameOf(json: readonly Buffer[]): Promise<Buffer> {
  const payload = Buffer.concat([BEFORE, ...json, AFTER]);
  const level = payload.length < LARGE_BYTES ? constants.Z_DEFAULT_COMPRESSION : constants.Z_BEST_SPEED;
  try {
    const flushed = await compress(payload, { level, finishFlush: constants.Z_SYNC_FLUSH });
    const compressed = flushed.subarray(0, flushed.length - FLUSH_BYTES);
    if (compressed.length < payload.length) return Buffer.concat([headerOf(FIN_TEXT | COMPRESSED, compressed.length), compressed]);
  } catch {
    // There was no memory for it; then without.
  }
  return frameOf(json);
}

function headerOf(first: number, length: number): Buffer {
  if (length < 126) return Buffer.from([first, length]);
  if (length < 0x1_0000) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

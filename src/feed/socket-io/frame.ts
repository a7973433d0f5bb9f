import { FEED_EVENT } from '@trimtab/client/protocol';

/** Engine.IO "message", Socket.IO "event" in the default namespace. */
const PACKET = '42';
const BEFORE = Buffer.from(`${PACKET}["${FEED_EVENT}",`);
const AFTER = Buffer.from(']');
const FIN_TEXT = 0x81;

/**
 * The whole WebSocket frame (RFC 6455 section 5.2) of one message: a text frame, final, not masked, not compressed.
 * Made once for each message and written as it is to every connection.
 */
export function frameOf(json: readonly Buffer[]): Buffer {
  const payload = [BEFORE, ...json, AFTER];
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([headerOf(length), ...payload]);
}

function headerOf(length: number): Buffer {
  if (length < 126) return Buffer.from([FIN_TEXT, length]);
  if (length < 0x1_0000) return Buffer.from([FIN_TEXT, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = FIN_TEXT;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

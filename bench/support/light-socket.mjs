import { connect } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';

/** How much of a message is kept: enough to tell what it is, and where in the log its sender stands. */
const KEPT = 1_024;
const [CONTINUATION, TEXT, CLOSE, PING, PONG] = [0, 1, 8, 9, 10];
const EMPTY = Buffer.alloc(0);
/** One for all sockets of the process, because each hands on what it has read before the next one reads. */
const shared = Buffer.allocUnsafeSlow(1 << 18);

/**
 * A WebSocket client that costs a load process little, so that five thousand of them measure the server and not
 * themselves: it throws away what it receives but for the beginning of each message. The listener is told `opened()`,
 * `received(beginning, length)` and, exactly once, `ended(reason)`.
 */
export class LightSocket {
  #listener;
  #tcp;
  #opened = false;
  #isEnded = false;
  /** What could not be read yet: the answer to the upgrade, or the header of a frame, that has not come whole. */
  #rest = EMPTY;
  #isFinal = true;
  #isCompressed = false;
  /** Bytes of the frame's payload that are still to come; undefined between frames. */
  #left;
  #beginning = '';
  #length = 0;

  /** `deflate`: offers to take compressed messages, as the client does. */
  constructor({ port, path = '/', deflate = false, timeoutMs = 10_000 }, listener) {
    this.#listener = listener;
    const tcp = connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: shared, callback: (size) => this.#read(size) } });
    this.#tcp = tcp;
    tcp.setTimeout(timeoutMs, () => this.end('no answer in time'));
    tcp.once('connect', () => tcp.write(upgradeRequest(port, path, deflate)));
    tcp.on('error', ({ code }) => this.end(code));
    tcp.once('close', () => this.end('closed'));
  }

  send(text) {
    this.#tcp.write(frame(TEXT, Buffer.from(text)));
  }

  end(reason = 'ended here') {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#tcp.destroy();
    this.#listener.ended(reason);
  }

  #read(size) {
    // Copied only where something was left over, which is rare.
    const chunk = this.#rest.length === 0 ? shared.subarray(0, size) : Buffer.concat([this.#rest, shared.subarray(0, size)]);
    const done = this.#opened ? this.#frames(chunk, 0) : this.#upgrade(chunk);
    this.#rest = done === chunk.length ? EMPTY : Buffer.from(chunk.subarray(done));
    return !this.#isEnded;
  }

  #upgrade(chunk) {
    const end = chunk.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const status = chunk.latin1Slice(9, 12);
    if (status !== '101') {
      this.end(`HTTP ${status}`);
      return chunk.length;
    }
    this.#opened = true;
    this.#tcp.setTimeout(0);
    this.#listener.opened();
    return this.#frames(chunk, end + 4);
  }

  /** How far it has got: to the end, or to a header that has not come whole. */
  #frames(chunk, start) {
    let at = start;
    while (!this.#isEnded) {
      if (this.#left === undefined) {
        const headerLength = this.#header(chunk, at);
        if (headerLength === 0) return at;
        at += headerLength;
        if (this.#left === undefined) continue;
      }
      const taken = Math.min(this.#left, chunk.length - at);
      if (this.#beginning.length < KEPT) this.#beginning += chunk.latin1Slice(at, at + Math.min(taken, KEPT));
      this.#left -= taken;
      at += taken;
      if (this.#left > 0) return at;
      this.#left = undefined;
      if (this.#isFinal) this.#listener.received(this.#isCompressed ? inflated(this.#beginning) : this.#beginning, this.#length);
    }
    return chunk.length;
  }

  /** Reads the header of a frame from the server, which masks nothing, or a whole control frame. 0 if it is not all there. */
  #header(chunk, at) {
    const available = chunk.length - at;
    if (available < 2) return 0;
    const short = chunk[at + 1] & 0x7f;
    const length = short < 126 ? 2 : short === 126 ? 4 : 10;
    const opcode = chunk[at] & 0x0f;
    // A control frame may come between the parts of a message.
    if (opcode >= CLOSE) {
      if (available < length + short) return 0;
      this.#control(opcode, Buffer.from(chunk.subarray(at + length, at + length + short)));
      return length + short;
    }
    if (available < length) return 0;
    this.#isFinal = (chunk[at] & 0x80) !== 0;
    this.#left = short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
    if (opcode !== CONTINUATION) {
      this.#isCompressed = (chunk[at] & 0x40) !== 0;
      this.#beginning = '';
      this.#length = 0;
    }
    this.#length += this.#left;
    return length;
  }

  #control(opcode, payload) {
    if (opcode === CLOSE) this.end('closed by the server');
    else if (opcode === PING) this.#tcp.write(frame(PONG, payload));
  }
}

function upgradeRequest(port, path, deflate) {
  const extensions = deflate ? 'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n' : '';
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dHJpbXRhYi1iZW5jaC0wMA==\r\n${extensions}\r\n`;
}

let compressed;
let plain = '';

/** The beginning of a message from that of its compressed form. Everybody is sent the same bytes, so one is remembered. */
function inflated(beginning) {
  if (beginning === compressed) return plain;
  plain = inflateRawSync(Buffer.from(beginning, 'latin1'), { finishFlush: constants.Z_SYNC_FLUSH }).latin1Slice(0, KEPT);
  compressed = beginning;
  return plain;
}

/** A client has to mask what it sends; a mask of zeros leaves it as it is. */
function frame(opcode, payload) {
  const isShort = payload.length < 126;
  const header = Buffer.alloc(isShort ? 6 : 8);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (isShort ? payload.length : 126);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

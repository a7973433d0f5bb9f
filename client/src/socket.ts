import { io, NodeWebSocket, type Socket } from 'socket.io-client';
import type { ClientEvents, Handshake, ServerEvents } from './protocol.js';

// How long a server may take to agree to the end of a connection. A dead one never does.
const CLOSE_GRACE_MS = 1_000;

interface Terminable {
  readonly readyState: number;
  terminate(): void;
}

/**
 * Without this the closing handshake of a half-open connection keeps the process alive for half a minute.
 */
class PromptWebSocket extends NodeWebSocket {
  #socket: Terminable | undefined;

  override createSocket(...args: Parameters<NodeWebSocket['createSocket']>): Terminable {
    const socket = super.createSocket(...args) as Terminable;
    this.#socket = socket;
    return socket;
  }

  override doClose(): void {
    super.doClose();
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === 3) return;
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }
}

/** A socket for one attempt: WebSocket from the first byte, no reconnection of its own, nothing shared with others. */
export function openSocket(url: URL, auth: Handshake, timeoutMs: number): Socket<ServerEvents, ClientEvents> {
  return io(url.origin, {
    // A path in the URL is where a proxy has the server; socket.io would take it for a namespace.
    path: `${url.pathname.replace(/\/$/, '')}/socket.io/`,
    transports: [PromptWebSocket],
    forceNew: true,
    reconnection: false,
    timeout: timeoutMs,
    perMessageDeflate: false as never,
    auth: { ...auth },
  });
}

import { io, type Socket } from 'socket.io-client';
import type { ClientEvents, Handshake, ServerEvents } from './protocol.js';

// How long a server may take to agree to the end of a connection. A dead one never does.
const CLOSE_GRACE_MS = 1_000;
const CLOSED = 3;

/** A socket that speaks the feed's protocol. */
export type FeedSocket = Socket<ServerEvents, ClientEvents>;

/** A socket for one attempt: WebSocket from the first byte, no reconnection of its own, nothing shared with others. */
export function openSocket(url: URL, auth: Handshake, timeoutMs: number): FeedSocket {
  return io(url.origin, {
    // A path in the URL is where a proxy has the server; socket.io would take it for a namespace.
    path: `${url.pathname.replace(/\/$/, '')}/socket.io/`,
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    timeout: timeoutMs,
    // The server sends whole snapshots compressed. What a client has to say is not worth it.
    perMessageDeflate: { threshold: Infinity, serverNoContextTakeover: true, clientNoContextTakeover: true } as never,
    auth: { ...auth },
  });
}

/**
 * Closes a socket, by force when the other side does not answer: the closing handshake of a half-open connection would
 * keep the process alive for half a minute.
 */
export function closeSocket(socket: FeedSocket): void {
  const engine = socket.io.engine as { readonly transport?: { readonly ws?: WebSocketOfNode } } | undefined;
  const ws = engine?.transport?.ws;
  socket.disconnect();
  if (ws?.terminate === undefined || ws.readyState === CLOSED) return;
  const timer = setTimeout(() => ws.terminate?.(), CLOSE_GRACE_MS).unref();
  ws.once?.('close', () => clearTimeout(timer));
}

// The `ws` package's socket, which engine.io keeps to itself; where it is another, closing takes its time.
interface WebSocketOfNode {
  readonly readyState: number;
  terminate?(): void;
  once?(event: 'close', listener: () => void): void;
}

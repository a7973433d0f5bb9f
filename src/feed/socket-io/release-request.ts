import type { EventEmitter } from 'node:events';
import type { Socket } from 'socket.io';

const NOTHING = Object.freeze({});

/**
 * Lets go of the request that opened the connection, with its headers and the key in the handshake. Nothing asks for
 * them again, and they are a quarter of what an idle connection would keep.
 */
export function releaseRequest(socket: Socket): void {
  const { conn } = socket;
  const { socket: webSocket } = conn.transport as unknown as { readonly socket?: EventEmitter };
  // Engine.IO's listener for errors before the upgrade holds the request; the one that counts from here on is the other.
  const [upgrading, transport] = webSocket?.listeners('error') ?? [];
  if (transport !== undefined) webSocket?.removeListener('error', upgrading as () => void);
  // The request itself hangs on a listener that lives as long as the TCP socket; what it holds need not.
  conn.request.rawHeaders.length = 0;
  conn.request.headers = {};
  Object.assign(conn, { request: undefined });
  Object.assign(socket, { handshake: NOTHING });
}

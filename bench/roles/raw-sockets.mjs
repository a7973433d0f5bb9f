// The limit of a broadcast: a WebSocket server of `ws` alone, that writes one prepared frame to every socket.
import { Sender, WebSocketServer } from 'ws';
import { now } from '../support/clock.mjs';
import { answer } from '../support/role.mjs';

const TEXT = 1;
let server;

answer({
  /** `greeting` is what every socket is sent when it connects. */
  listen: async ({ port = 0, greeting }) => {
    server = new WebSocketServer({ host: '127.0.0.1', port, backlog: 4_096, perMessageDeflate: false });
    if (greeting !== undefined) server.on('connection', (socket) => socket._socket.write(frameOf(greeting)));
    await new Promise((resolve) => server.once('listening', resolve));
    return server.address().port;
  },
  /** When the sending began. */
  send: ({ text }) => {
    const start = now();
    const frame = frameOf(text);
    for (const { _socket: socket } of server.clients) socket.write(frame);
    return start;
  },
});

function frameOf(text) {
  return Buffer.concat(Sender.frame(Buffer.from(text), { fin: true, rsv1: false, opcode: TEXT, mask: false, readOnly: false }));
}

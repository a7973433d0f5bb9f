// Many bare sockets that note when something arrives: of a raw WebSocket server, or of a Trimtab server, to which they
// speak just enough of its protocol (Engine.IO and Socket.IO over WebSocket) to be clients like any other.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { PROTOCOL_VERSION } from '@trimtab/client/protocol';
import { WebSocket } from 'ws';
import { now } from '../support/clock.mjs';
import { answer } from '../support/role.mjs';

/** How many connections are being opened at the same time. */
const OPENING = 50;
const EVENT = '42["feed",{"type":"';
const EVENT_PACKET = EVENT.charCodeAt(1);
const [PING, PONG] = ['2', '3'];
const sockets = [];
let arrivals = [];
let length = 0;
let collected;

async function join({ count, ...server }) {
  let missing = count;
  const open = server.service === undefined ? openRaw : openFeed;
  const openSome = async () => {
    while (missing > 0) {
      missing -= 1;
      sockets.push(await open(server));
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openSome));
}

function openRaw({ port }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    socket.once('error', reject);
    socket.once('open', () => resolve(socket));
    socket.on('message', arrived);
  });
}

function openFeed({ port, key, service, environment }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    const instance = { id: randomUUID(), host: hostname(), library: 'bench 0.1.0' };
    let greeted = false;
    socket.once('error', reject);
    socket.on('message', (data) => {
      if (isChange(data)) {
        if (greeted) return arrived(data);
        greeted = true;
        return resolve(socket);
      }
      const packet = data.toString();
      if (packet === PING) socket.send(PONG);
      else if (packet.startsWith('0')) socket.send(`40${JSON.stringify({ protocol: PROTOCOL_VERSION, key, service, environment, instance })}`);
      else if (packet.startsWith('44')) reject(new Error(packet));
    });
  });
}

/** A snapshot or a delta, told from a bookmark by the first letter of its type. */
function isChange(data) {
  if (data[1] !== EVENT_PACKET) return false;
  const letter = data[EVENT.length];
  return letter === 0x73 || letter === 0x64;
}

function arrived(data) {
  arrivals.push(now());
  length = data.length;
  if (arrivals.length === sockets.length) collected?.();
}

answer({
  join,
  /** From here on a message is expected on every socket. */
  expect: () => {
    arrivals = [];
  },
  /** When each of them came, once all have. */
  arrivals: async () => {
    if (arrivals.length < sockets.length) await new Promise((resolve) => (collected = resolve));
    return { arrivals, length };
  },
});

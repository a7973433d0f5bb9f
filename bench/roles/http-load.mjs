// Asks one thing again and again over a number of kept connections, each with one request under way.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer } from '../support/role.mjs';

/** A connection that asks as long as it may. Answers have to be as long as the first one: then counting is cheap. */
class Asker {
  answers = 0;
  #asking = false;
  #socket;
  #request;
  #status;
  #length;
  #received = 0;
  #idle;

  constructor(socket, request, status) {
    this.#socket = socket;
    this.#request = request;
    this.#status = Buffer.from(`HTTP/1.1 ${status} `);
    socket.on('data', (chunk) => this.#take(chunk));
  }

  ask() {
    this.#asking = true;
    this.#socket.write(this.#request);
  }

  /** Resolves when the answer that is under way has come. */
  stop() {
    this.#asking = false;
    return new Promise((resolve, reject) => {
      this.#idle = resolve;
      this.#socket.once('close', () => reject(new Error('The server closed the connection.')));
    });
  }

  #take(chunk) {
    if (this.#received === 0) {
      if (chunk.compare(this.#status, 0, this.#status.length, 0, this.#status.length) !== 0) throw new Error(`Another answer than expected: ${chunk.subarray(0, 200)}`);
      this.#length ??= lengthOf(chunk);
    }
    this.#received += chunk.length;
    if (this.#received < this.#length) return;
    if (this.#received > this.#length) throw new Error('The answer is longer than the first one.');
    this.#received = 0;
    this.answers += 1;
    if (this.#asking) this.#socket.write(this.#request);
    else this.#idle?.();
  }
}

function lengthOf(chunk) {
  const head = chunk.toString('latin1').split('\r\n\r\n')[0];
  const body = / 304 /.test(head.slice(0, 14)) ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)[1]);
  return head.length + 4 + body;
}

async function run({ port, path, headers, status, connections, seconds }) {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const sockets = await Promise.all(Array.from({ length: connections }, () => opened(port)));
  const askers = sockets.map((socket) => new Asker(socket, request, status));
  for (const asker of askers) asker.ask();
  // The first moments are not those of a warm server.
  await sleep(Math.min(300, seconds * 250));
  const count = () => askers.reduce((sum, { answers }) => sum + answers, 0);
  const [before, start] = [count(), performance.now()];
  await sleep(seconds * 1_000);
  const rate = (count() - before) / ((performance.now() - start) / 1_000);
  await Promise.all(askers.map((asker) => asker.stop()));
  for (const socket of sockets) socket.destroy();
  return rate;
}

function opened(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

answer({ run });

import { connect } from 'node:net';

const shared = Buffer.allocUnsafeSlow(1 << 18);

/** One HTTP request that waits for its answer, and keeps of it only status and length. `done(status)` is called once. */
export class LightPoll {
  #done;
  #tcp;
  #status;
  #left;

  constructor({ port, request }, done) {
    this.#done = done;
    const tcp = connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: shared, callback: (size) => this.#read(size) } });
    this.#tcp = tcp;
    tcp.once('connect', () => tcp.write(request));
    tcp.on('error', ({ code }) => this.#end(code));
    tcp.once('close', () => this.#end('closed'));
  }

  #read(size) {
    if (this.#status === undefined) {
      // The head of an answer comes in one piece: it is the first thing on its connection, and short.
      const end = shared.indexOf('\r\n\r\n');
      const head = shared.latin1Slice(0, end);
      this.#status = head.slice(9, 12);
      this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0) + end + 4;
    }
    this.#left -= size;
    if (this.#left <= 0) this.#end(this.#status);
    return true;
  }

  #end(status) {
    this.#tcp.destroy();
    this.#done?.(status);
    this.#done = undefined;
  }
}

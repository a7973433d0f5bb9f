import { Backoff } from './backoff.js';
import { messageOf } from './errors.js';
import type { Logger } from './logger.js';
import {
  FEED_EVENT,
  REPORT_EVENT,
  SUBSCRIBE_EVENT,
  type ClosingMessage,
  type ConnectErrorData,
  type FeedMessage,
  type Handshake,
  type MoveMessage,
  type Position,
  type Report,
} from './protocol.js';
import { closeSocket, openSocket, type FeedSocket } from './socket.js';
import type { ConnectionState } from './status.js';

/** The times a connection keeps, in milliseconds. */
export interface ConnectionTimes {
  readonly reconnectBaseMs: number;
  readonly reconnectCapMs: number;
  readonly rejectedRetryMs: number;
  readonly pollIntervalMs: number;
  readonly answerTimeoutMs: number;
}

/** How long the reports of a fleet that applied the same revision are spread over. */
const REPORT_SPREAD_MS = 100;

export interface ConnectionOptions {
  readonly url: URL;
  readonly times: ConnectionTimes;
  readonly logger: Logger;
  readonly random: () => number;
  /** Asked at each attempt, so that each carries the newest position (and key). */
  readonly handshake: () => Promise<Handshake>;
  readonly position: () => Position | undefined;
  readonly onMessage: (message: FeedMessage) => void;
  /** Resolves when nothing is being applied. */
  readonly settled: () => Promise<void>;
  readonly onState: (state: ConnectionState, reason: string) => void;
}

/**
 * The socket to the server and its whole life. One socket per attempt; an old one is never revived.
 *
 * States: `idle` → `connecting` → `subscribing` (connected, not answered yet) → `live`; from each of the last three →
 * `waiting` (back-off, or the delay a closing server asked for; none after a move) or `rejected` (slow retry) → `connecting`; from any →
 * `closed`, which is final. Every timer belongs to a state and is cleared with it, and none keeps the process alive.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  #state: ConnectionState = 'idle';
  #socket: FeedSocket | undefined;
  /** Ends the wait of the state: an attempt or an answer that takes too long, or the delay before the next attempt. */
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #moving: NodeJS.Timeout | undefined;
  #liveSince = 0;
  /** The last report worth telling again, and the socket it was told on. */
  #report: { readonly report: Report; readonly at: number; readonly toldOn: object | undefined } | undefined;
  #telling: NodeJS.Timeout | undefined;
  #rejection: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { reconnectBaseMs, reconnectCapMs } = options.times;
    this.#backoff = new Backoff(reconnectBaseMs, reconnectCapMs, options.random);
  }

  /** Begins to connect, and from then on never stops trying until `close`. */
  open(): void {
    if (this.#state === 'idle') void this.#connect();
  }

  /**
   * Tells the server what became of a revision: a refusal at once, success a little later, at a moment of its own, so
   * that a fleet which has just been sent a revision does not answer while others still wait for theirs. Of several that
   * came together only the last is worth telling. Remembered until the next connection when there is none.
   */
  report(report: Report): void {
    this.#report = { report, at: performance.now(), toldOn: undefined };
    if (report.state === 'refused') this.#clearTelling();
    const delayMs = report.state === 'refused' ? 0 : this.#options.random() * REPORT_SPREAD_MS;
    this.#telling ??= setTimeout(() => this.#tell(), delayMs).unref();
  }

  /** Asks to be brought up to date; no answer in time means that the connection is dead. */
  resubscribe(since: Position | null): void {
    if (!this.#connected) return;
    this.#socket?.emit(SUBSCRIBE_EVENT, since);
    // Asking again must not give a server that owes an answer more time.
    if (this.#timer === undefined) this.#await('the server did not answer in time');
  }

  /** Ends the connection for good. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#tell();
    this.#drop();
    this.#enter('closed', 'closed by the service');
  }

  get #connected(): boolean {
    return this.#state === 'subscribing' || this.#state === 'live';
  }

  async #connect(): Promise<void> {
    const { url, handshake, times } = this.#options;
    this.#enter('connecting', `connecting to ${url.host}`);
    let auth: Handshake;
    try {
      auth = await handshake();
    } catch (error) {
      return this.#lose(`the key could not be read: ${messageOf(error)}`);
    }
    if (this.#state !== 'connecting') return;
    const socket = openSocket(url, auth, times.answerTimeoutMs);
    this.#socket = socket;
    // What a socket says after it was given up concerns nobody.
    const current = (listener: () => void) => (this.#socket === socket ? listener() : undefined);
    socket.on('connect', () => current(() => this.#subscribed()));
    socket.on('connect_error', (error) => current(() => this.#failed(error)));
    socket.on('disconnect', (reason) => current(() => this.#lose(`the connection was lost (${reason})`)));
    socket.on(FEED_EVENT, (message) => current(() => this.#receive(message)));
    this.#await('the server did not complete the connection in time');
  }

  #subscribed(): void {
    this.#enter('subscribing', 'connected');
    this.#await('the server did not answer the subscription in time');
  }

  #failed(error: Error & { data?: ConnectErrorData }): void {
    const { data } = error;
    if (data?.retry === false) return this.#reject(data.code, data.detail);
    this.#lose(data === undefined ? `no connection: ${messageOf(error)}` : `no connection: ${data.detail} (${data.code})`);
  }

  #receive(message: FeedMessage): void {
    if (typeof message !== 'object' || message === null) return;
    if (message.type === 'closing') return this.#closing(message);
    if (message.type === 'move') return this.#move(message);
    if (message.type === 'current' || message.type === 'delta' || message.type === 'snapshot') this.#answered();
    this.#options.onMessage(message);
    // After the message, because what became of it may have taken the place of what there was to tell.
    if (this.#state === 'live' && this.#telling === undefined) this.#tell();
  }

  #tell(): void {
    this.#clearTelling();
    const socket = this.#socket;
    if (this.#report === undefined || socket === undefined || !this.#connected || this.#report.toldOn === socket) return;
    const { report, at } = this.#report;
    socket.emit(REPORT_EVENT, report.state === 'applied' ? { ...report, heldMs: Math.round(performance.now() - at) } : report);
    // Kept, because every new connection is told again: it may be to a server that has not heard of this client yet.
    this.#report = { report, at, toldOn: socket };
  }

  #clearTelling(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
  }

  #answered(): void {
    this.#clearTimer();
    if (this.#state !== 'subscribing') return;
    this.#liveSince = performance.now();
    this.#rejection = undefined;
    this.#enter('live', 'the server has answered');
    this.#options.logger.info('Connected.', { url: this.#options.url.href });
    this.#schedulePoll();
  }

  #closing({ code, detail, retry, withinMs }: ClosingMessage): void {
    if (!retry) return this.#reject(code, detail);
    const delayMs = withinMs === undefined ? undefined : this.#options.random() * withinMs;
    this.#lose(`the server is closing: ${detail} (${code})`, delayMs);
  }

  // The server goes on serving until then: whatever is published meanwhile is received here or at the next connection.
  #move({ withinMs }: MoveMessage): void {
    const socket = this.#socket;
    const leave = () => {
      if (this.#socket !== socket) return;
      this.#backoff.reset();
      this.#options.logger.info('Connecting again, as the server has asked.');
      this.#drop();
      this.#retryAfter(0);
      this.#enter('waiting', 'the server has asked its clients to move');
    };
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => void this.#options.settled().then(leave), this.#options.random() * withinMs).unref();
  }

  // Push is a hint on this side, too: the position is told again now and then, and no answer is an answer.
  #schedulePoll(): void {
    const { times, random } = this.#options;
    const delayMs = times.pollIntervalMs * (0.75 + 0.5 * random());
    this.#poll = setTimeout(() => {
      this.resubscribe(this.#options.position() ?? null);
      this.#schedulePoll();
    }, delayMs).unref();
  }

  #reject(code: string, detail: string): void {
    const { times, random, logger, url } = this.#options;
    const delayMs = times.rejectedRetryMs * (0.5 + 0.5 * random());
    this.#drop();
    if (this.#rejection !== code) {
      logger.error(`The server at ${url.host} rejects this client: ${detail} (${code}). Trying again every minute or so.`);
    }
    this.#rejection = code;
    this.#retryAfter(delayMs);
    this.#enter('rejected', `the server rejects this client: ${detail} (${code})`);
  }

  #lose(reason: string, delayMs?: number): void {
    const { logger, times } = this.#options;
    const wasConnected = this.#connected;
    // A server that accepts a connection and drops it at once is as good as one that refuses it.
    if (this.#state === 'live' && performance.now() - this.#liveSince >= times.reconnectCapMs / 2) this.#backoff.reset();
    this.#drop();
    const retryMs = delayMs ?? this.#backoff.next();
    logger[wasConnected ? 'warn' : 'debug'](`Not connected: ${reason}. Trying again in ${Math.round(retryMs)} ms.`);
    this.#retryAfter(retryMs);
    this.#enter('waiting', reason);
  }

  #retryAfter(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#connect(), delayMs).unref();
  }

  #await(failure: string): void {
    this.#clearTimer();
    this.#timer = setTimeout(() => this.#lose(failure), this.#options.times.answerTimeoutMs).unref();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #drop(): void {
    this.#clearTimer();
    clearTimeout(this.#poll);
    clearTimeout(this.#moving);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) closeSocket(socket);
  }

  #enter(state: ConnectionState, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#options.onState(state, reason);
  }
}

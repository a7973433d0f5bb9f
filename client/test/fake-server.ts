import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import {
  diffToPatch,
  etagOf,
  type ClientEvents,
  type ConnectErrorData,
  type Documents,
  type FeedMessage,
  type Handshake,
  type JsonValue,
  type Position,
  type Report,
  type SecretsNote,
  type ServerEvents,
  type SnapshotMessage,
} from '../src/protocol.js';

type FeedSocket = Socket<ClientEvents, ServerEvents>;

/**
 * The server's side of the protocol on a real socket.io, without anything behind it: a spec says what is published,
 * and when the server misbehaves.
 */
export class FakeServer {
  readonly handshakes: Handshake[] = [];
  readonly subscribed: (Position | null)[] = [];
  readonly reports: Report[] = [];
  /** Answers every handshake with this error while it is set. */
  refusal: ConnectErrorData | undefined;
  /** Says nothing to subscriptions while it is set. */
  mute = false;
  /** Deltas from any earlier content, instead of whole snapshots. */
  deltas = false;
  /** Changes each message on its way out. */
  tamper: (message: FeedMessage) => FeedMessage = (message) => message;
  /** What is said of the secrets in what is published from now on. */
  notes: SecretsNote = {};
  readonly #http: HttpServer;
  readonly #io: Server<ClientEvents, ServerEvents>;
  readonly #history: SnapshotMessage[] = [];
  #position = 0;
  /** Stays when the server is closed, for another to take over. */
  port = 0;

  private constructor(http: HttpServer) {
    this.#http = http;
    this.#io = new Server(http, { transports: ['websocket'], serveClient: false });
    this.#io.use((socket, next) => {
      this.handshakes.push(socket.handshake.auth as Handshake);
      const { refusal } = this;
      next(refusal && Object.assign(new Error(refusal.detail), { data: refusal }));
    });
    this.#io.on('connection', (socket) => this.#serve(socket));
  }

  static async start(port = 0): Promise<FakeServer> {
    const http = createServer();
    const server = new FakeServer(http);
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    server.port = (http.address() as AddressInfo).port;
    return server;
  }


  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get clients(): number {
    return this.#io.of('/').sockets.size;
  }

  get latest(): SnapshotMessage {
    const latest = this.#history.at(-1);
    if (latest === undefined) throw new Error('Nothing has been published.');
    return latest;
  }

  /** Publishes a main document (and others), and sends it to everyone who is connected. */
  publish(value: JsonValue, others: Documents = {}): SnapshotMessage {
    return this.publishDocuments({ ...others, application: { format: 'json', value } });
  }

  publishDocuments(documents: Documents, revision = ++this.#position): SnapshotMessage {
    this.#position = revision;
    const previous = this.#history.at(-1);
    const layers = [{ service: 'orders', environment: 'production', version: revision, revision }];
    const message: SnapshotMessage = { type: 'snapshot', revision, etag: etagOf(documents as JsonValue, this.notes.salt), layers, documents, ...this.notes };
    this.#history.push(message);
    this.send(this.#fitting(message, previous?.etag));
    return message;
  }

  /** Sends any message to everyone who is connected. */
  send(message: FeedMessage): void {
    this.#io.emit('feed', this.tamper(message));
  }

  /** The log moves without touching the snapshot. */
  bookmark(revision: number): void {
    this.#position = revision;
    this.send({ type: 'bookmark', revision });
  }

  /** Calls `listener` with the URL of every WebSocket upgrade. */
  onRequest(listener: (url: string) => void): void {
    this.#http.on('upgrade', (request) => listener(request.url ?? ''));
  }

  /** Cuts every connection. */
  cut(): void {
    this.#io.of('/').disconnectSockets(true);
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await this.#io.close();
  }

  #serve(socket: FeedSocket): void {
    socket.on('report', (report) => this.reports.push(report));
    socket.on('subscribe', (since) => {
      this.subscribed.push(since);
      this.#answer(socket, since ?? undefined);
    });
    this.#answer(socket, (socket.handshake.auth as Handshake).since);
  }

  #answer(socket: FeedSocket, since: Position | undefined): void {
    const latest = this.#history.at(-1);
    if (this.mute || latest === undefined) return;
    const current = since?.etag === latest.etag;
    const message: FeedMessage = current ? { type: 'current', revision: this.#position } : this.#fitting(latest, since?.etag);
    socket.emit('feed', this.tamper(message));
  }

  #fitting(message: SnapshotMessage, from: string | undefined): FeedMessage {
    const base = this.deltas ? this.#history.find(({ etag }) => etag === from) : undefined;
    if (base === undefined) return message;
    const { revision, etag, layers, documents, salt, secrets, unreadable } = message;
    const notes = { ...(salt && { salt }), ...(secrets && { secrets }), ...(unreadable && { unreadable }) };
    return { type: 'delta', from: base.etag, revision, etag, layers, patch: diffToPatch(base.documents as JsonValue, documents as JsonValue), ...notes };
  }
}

import type { EventEmitter } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { REPORT_EVENT, SUBSCRIBE_EVENT, type ConnectErrorData, type Handshake } from '@trimtab/client/protocol';
import { Server, type Socket } from 'socket.io';
import type { Settings } from '../../settings/settings';
import { connectErrorOf } from '../connect-error';
import type { Feed } from '../feed';
import type { FeedObserver, InstanceHandle } from '../feed-observer';
import { malformed } from '../malformed';
import type { ReadAccess } from '../read-access';
import { deliveredTo } from '../target';
import { parseHandshake, parsePosition, parseReport } from './handshake';
import { MessageBudget } from './message-budget';
import { releaseRequest } from './release-request';
import { SocketLink } from './socket-link';
import type { UpgradeGate } from './upgrade-gate';

/** The largest thing a client has to say is a handshake with all its labels, or a refusal with its reason. */
const MAX_MESSAGE_BYTES = 32 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The feed over socket.io: WebSocket only, nothing compressed for a single connection, nothing kept of the request that
 * opened the connection. Handlers are shared by all connections and find theirs by `this`; a closure of its own for each
 * of ten thousand idle connections is memory that does nothing.
 */
export class SocketIoServer {
  private readonly io: Server;
  private readonly links = new WeakMap<object, SocketLink>();
  private readonly budget = new MessageBudget();

  constructor(
    private readonly feed: Feed,
    private readonly access: ReadAccess,
    private readonly observer: FeedObserver,
    private readonly gate: UpgradeGate,
    settings: Settings['feed'],
  ) {
    this.io = new Server({
      transports: ['websocket'],
      allowUpgrades: false,
      // Agreed on, but nothing is compressed for a single connection: see `compressedFrameOf`.
      perMessageDeflate: { threshold: Infinity, serverNoContextTakeover: true, clientNoContextTakeover: true },
      httpCompression: false,
      serveClient: false,
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      connectTimeout: CONNECT_TIMEOUT_MS,
      pingInterval: settings.heartbeatMs,
      pingTimeout: settings.heartbeatMs,
    });
    const { links, io } = this;
    withoutRooms(io);
    const onDrain = function (this: object) { links.get(this)?.drained(); };
    const onGone = function (this: object) { links.get(this)?.gone(); };
    const onEvent = (socket: Socket, event: unknown[]) => this.onEvent(socket, event);
    const onAny = function (this: Socket, ...event: unknown[]) { onEvent(this, event); };
    io.use((socket, next) => {
      gate.soon(() => this.join(socket, onGone, next));
    });
    io.on('connection', (socket) => {
      const link = links.get(socket);
      if (link === undefined) return;
      const tcp = socket.request.socket;
      links.set(tcp, link);
      tcp.on('drain', onDrain);
      socket.on('disconnect', onGone);
      socket.onAny(onAny);
      // Engine.IO writes finished frames only where it knows of no compression; `ws` goes on knowing.
      Object.assign(socket.conn.transport, { perMessageDeflate: null });
      const handshake = socket.handshake.auth as Handshake;
      releaseRequest(socket);
      link.open(socket, tcp, this.observe(socket.id, handshake));
    });
  }

  attach(server: HttpServer): void {
    const others = server.listeners('request') as (() => void)[];
    this.io.attach(server);
    // Engine.IO answers requests that are no upgrades for the sake of polling, which there is none of here.
    server.removeAllListeners('request');
    for (const other of others) server.on('request', other);
    this.gate.attach(server);
    this.limitMessages();
  }

  /** Ends every connection. The HTTP server is not ours to close. */
  close(): void {
    (this.io as { readonly engine?: { close(): void } }).engine?.close();
  }

  /** Whoever says too much is cut off: a farewell would only wait behind what the client does not read meanwhile. */
  private limitMessages(): void {
    const { budget } = this;
    const onPing = function (this: WebSocket) { if (!budget.spend(this)) this.terminate(); };
    const onPacket = function (this: EngineConnection) {
      const { socket } = this.transport;
      if (!budget.spend(socket)) socket.terminate();
    };
    (this.io.engine as EventEmitter).on('connection', (connection: EngineConnection) => {
      connection.on('packet', onPacket);
      // Answered by the WebSocket itself, which asks nobody whether the other side reads the answers.
      connection.transport.socket.on('ping', onPing);
    });
  }

  private join(socket: Socket, onGone: (this: object) => void, next: (refusal?: Error) => void): void {
    const tcp = socket.request.socket;
    void this.letIn(socket, onGone)
      .then(() => next(), (error: unknown) => next(refusalOf(error)))
      .finally(() => this.gate.answered(tcp));
  }

  /** Everything that can refuse a client happens here, before it is connected. */
  private async letIn(socket: Socket, onGone: (this: object) => void): Promise<void> {
    const handshake = parseHandshake(socket.handshake.auth);
    const { service, environment, since = null } = handshake;
    if (!this.access.knows(handshake.key)) this.gate.door.admitStranger(socket.request);
    const admission = await this.access.admit(handshake.key, { service, environment });
    const target = deliveredTo(admission, { service, environment });
    const subscription = await this.feed.subscribe({ target, since, admission });
    if (socket.conn.readyState !== 'open') {
      subscription.close();
      return;
    }
    const link = new SocketLink(subscription, this.feed.counters);
    this.links.set(socket, link);
    this.links.set(socket.conn, link);
    socket.conn.on('close', onGone);
  }

  private observe(id: string, { service, environment, instance, since }: Handshake): InstanceHandle {
    return this.observer.connected(id, { service, environment }, instance ?? { id }, 'socket.io', since);
  }

  private onEvent(socket: Socket, [event, ...args]: unknown[]): void {
    const link = this.links.get(socket);
    if (link === undefined) return;
    try {
      if (args.length !== 1) throw malformed(`An event has exactly one argument, and asks for no acknowledgement.`);
      if (event === REPORT_EVENT) link.report(parseReport(args[0]));
      else if (event === SUBSCRIBE_EVENT) void this.feed.resubscribe(link.subscription, args[0] === null ? null : parsePosition(args[0], ''));
      else throw malformed(`There is no such event. A client sends ${SUBSCRIBE_EVENT} and ${REPORT_EVENT}.`);
    } catch (error) {
      link.refuse(connectErrorOf(error).detail);
    }
  }
}

/** The parts of Engine.IO's connection and of `ws` that are used past their types. */
interface EngineConnection extends EventEmitter {
  readonly transport: { readonly socket: WebSocket };
}
interface WebSocket extends EventEmitter {
  terminate(): void;
}

/** Every socket would have a room of its own, and nobody speaks to rooms here: the channels know their members. */
function withoutRooms(io: Server): void {
  const { adapter } = io.of('/');
  adapter.addAll = adapter.delAll = () => undefined;
}

function refusalOf(error: unknown): Error & { data: ConnectErrorData } {
  const data = connectErrorOf(error);
  return Object.assign(new Error(data.detail), { data });
}

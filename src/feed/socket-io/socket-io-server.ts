import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { REPORT_EVENT, SUBSCRIBE_EVENT, type ConnectErrorData, type Handshake } from '@trimtab/client/protocol';
import { Server, type Socket } from 'socket.io';
import type { Settings } from '../../settings/settings';
import { connectErrorOf } from '../connect-error';
import type { Feed } from '../feed';
import type { FeedObserver, InstanceHandle } from '../feed-observer';
import { malformed } from '../malformed';
import type { AdmissionQueue } from '../admission-queue';
import type { ReadAccess } from '../read-access';
import { parseHandshake, parsePosition, parseReport } from './handshake';
import { releaseRequest } from './release-request';
import { SocketLink } from './socket-link';
import { UpgradeGate } from './upgrade-gate';

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
  private readonly gate: UpgradeGate;
  private readonly links = new WeakMap<object, SocketLink>();

  constructor(
    private readonly feed: Feed,
    private readonly access: ReadAccess,
    private readonly observer: FeedObserver,
    admissions: AdmissionQueue,
    settings: Settings['feed'],
  ) {
    this.gate = new UpgradeGate(admissions);
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
      allowRequest: (request, done) => done(null, isAllowedOrigin(request, settings.allowedOrigins)),
    });
    const { links, io } = this;
    withoutRooms(io);
    const onDrain = function (this: object) { links.get(this)?.drained(); };
    const onGone = function (this: object) { links.get(this)?.gone(); };
    const onEvent = (socket: Socket, event: unknown[]) => this.onEvent(socket, event);
    const onAny = function (this: Socket, ...event: unknown[]) { onEvent(this, event); };
    io.use((socket, next) => {
      admissions.soon(() => this.join(socket, onGone, next));
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
    this.io.attach(server);
    this.gate.attach(server);
  }

  /** Ends every connection. The HTTP server is not ours to close. */
  close(): void {
    (this.io as { readonly engine?: { close(): void } }).engine?.close();
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
    const target = { service, environment };
    const admission = await this.access.admit(handshake.key, target);
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

/** Every socket would have a room of its own, and nobody speaks to rooms here: the channels know their members. */
function withoutRooms(io: Server): void {
  const { adapter } = io.of('/');
  adapter.addAll = adapter.delAll = () => undefined;
}

function refusalOf(error: unknown): Error & { data: ConnectErrorData } {
  const data = connectErrorOf(error);
  return Object.assign(new Error(data.detail), { data });
}

/** Browsers name the page they come from; services do not. A page is let in only when the operator has named it. */
function isAllowedOrigin({ headers: { origin } }: IncomingMessage, allowed: readonly string[]): boolean {
  return origin === undefined || allowed.includes(origin);
}

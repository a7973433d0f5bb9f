import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { problemOf } from '../../http/problem';
import { encode } from '../../http/problem.filter';
import { requestIdOf } from '../../http/request-id';
import { tooMany, type AdmissionQueue, type Applicant } from '../admission-queue';

type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * Requests to become a WebSocket wait for their admission here, before anything is done for them. Opening a connection
 * costs a hundred times what looking at the request does, and whatever is not admitted costs no more than that.
 */
export class UpgradeGate {
  private readonly admitted = new WeakMap<Socket, Applicant>();

  constructor(private readonly admissions: AdmissionQueue) {}

  /** Puts itself in front of whoever answers the upgrades of `server` now. */
  attach(server: HttpServer): void {
    const others = server.listeners('upgrade') as UpgradeListener[];
    server.removeAllListeners('upgrade');
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      hold(socket);
      const applicant: Applicant = {
        socket,
        admit: () => {
          release(socket);
          this.admitted.set(socket, applicant);
          for (const other of others) other.call(server, request, socket, head);
        },
        refuse: (waitMs) => refuse(request, socket, waitMs),
      };
      this.admissions.enter(applicant);
    });
  }

  /** The client on this socket has been let in or refused. */
  answered(socket: Socket): void {
    const applicant = this.admitted.get(socket);
    if (applicant === undefined) return;
    this.admitted.delete(socket);
    this.admissions.leave(applicant);
  }
}

/** Nobody else looks after the socket meanwhile. A client says nothing before it is answered, unless it goes away. */
function hold(socket: Socket): void {
  socket.on('error', ignored).on('end', hungUp).resume();
}

function release(socket: Socket): void {
  socket.off('error', ignored).off('end', hungUp);
}

function ignored(): void {}

function hungUp(this: Socket): void {
  this.destroy();
}

function refuse(request: IncomingMessage, socket: Socket, waitMs: number): void {
  const { problem, headers } = problemOf(tooMany(waitMs), requestIdOf(request));
  const body = encode(problem);
  const lines = Object.entries({ ...headers, 'content-length': body.length, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 503 Service Unavailable\r\n${lines.join('')}\r\n`), body]));
  socket.destroySoon();
}

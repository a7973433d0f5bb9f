import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { rawAnswer } from '../../http/raw-answer';
import { requestIdOf } from '../../http/request-id';
import type { DomainError } from '../../kernel/domain-error';
import { tooMany, type AdmissionQueue, type Applicant } from '../admission-queue';
import type { Door } from '../door';

type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * Requests to become a WebSocket wait for their admission here, before anything is done for them. Opening a connection
 * costs a hundred times what looking at the request does, and whatever is not admitted costs no more than that.
 */
export class UpgradeGate {
  private readonly admitted = new WeakMap<Socket, Applicant>();

  constructor(
    private readonly admissions: AdmissionQueue,
    readonly door: Door,
  ) {}

  /** Puts itself in front of whoever answers the upgrades of `server` now. */
  attach(server: HttpServer): void {
    const others = server.listeners('upgrade') as UpgradeListener[];
    server.removeAllListeners('upgrade');
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      hold(socket);
      const refusal = this.door.refusalOf(request);
      if (refusal !== undefined) return this.refuse(request, socket, refusal);
      const applicant: Applicant = {
        socket,
        admit: () => {
          release(socket);
          this.admitted.set(socket, applicant);
          for (const other of others) other.call(server, request, socket, head);
        },
        refuse: (waitMs) => this.refuse(request, socket, tooMany(waitMs)),
      };
      this.admissions.enter(applicant);
    });
  }

  /** See {@link AdmissionQueue.soon}. */
  soon(task: () => void): void {
    this.admissions.soon(task);
  }

  /** The client on this socket has been let in or refused. */
  answered(socket: Socket): void {
    const applicant = this.admitted.get(socket);
    if (applicant === undefined) return;
    this.admitted.delete(socket);
    this.admissions.leave(applicant);
  }

  private refuse(request: IncomingMessage, socket: Socket, error: DomainError): void {
    socket.write(rawAnswer(error, requestIdOf(request), this.door.common));
    socket.destroySoon();
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

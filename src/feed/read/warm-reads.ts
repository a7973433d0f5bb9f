import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { bearerOf } from '../../access/secret';
import { requestIdOf } from '../../http/request-id';
import type { ReadAccess } from '../read-access';
import type { SnapshotSource } from '../snapshot-source';
import { wantsEvents } from './accept';
import type { SnapshotAnswers } from './snapshot-answers';

const PATH = /^\/v1\/config\/([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})$/;

/**
 * The shortest way from a request to its answer: a plain read of a snapshot that is at hand, by a client whose
 * credential is known, is answered before Fastify sees it. Everything else, every refusal included, is Fastify's; it
 * would have given the same answer, at half the rate.
 */
export class WarmReads {
  constructor(
    private readonly source: SnapshotSource,
    private readonly access: ReadAccess,
    private readonly answers: SnapshotAnswers,
    private readonly common: readonly string[],
  ) {}

  /** Puts itself in front of whoever answers the requests of `server` now. */
  attach(server: Server): void {
    const others = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (this.answer(request, response)) return;
      for (const other of others) other.call(server, request, response);
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url, headers } = request;
    if (method !== 'GET' || url === undefined || wantsEvents(headers.accept)) return false;
    const [, environment, service] = PATH.exec(url) ?? [];
    if (environment === undefined || service === undefined) return false;
    const target = this.access.peek(bearerOf(headers), { service, environment });
    if (target === undefined) return false;
    const snapshot = this.source.peek(target);
    if (snapshot === undefined) return false;
    return this.answers.writeNow({ request, response, requestId: requestIdOf(request), common: this.common }, snapshot, this.source.position);
  }
}

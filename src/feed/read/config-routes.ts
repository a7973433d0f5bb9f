import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerOf } from '../../access/secret';
import { sendProblem } from '../../http/problem.filter';
import '../../http/needs';
import { DomainError } from '../../kernel/domain-error';
import { DOCUMENT_NAME_PATTERN } from '../../kernel/names';
import type { ReadTarget } from '../../snapshots/delivered-snapshots';
import { takeOver, type Exchange } from '../exchange';
import type { Feed } from '../feed';
import { malformed } from '../malformed';
import type { ReadAccess } from '../read-access';
import type { FeedSnapshot, SnapshotSource } from '../snapshot-source';
import { deliveredTo, targetOf } from '../target';
import { wantsEvents } from './accept';
import { parseReadQuery, type ReadQuery } from './read-query';
import type { SnapshotAnswers } from './snapshot-answers';
import { writeDocument } from './snapshot-response';
import './config-routes.openapi';

interface Params {
  readonly environment: string;
  readonly service: string;
  readonly document?: string;
}

/** What answers later than at once. */
export interface Streams {
  events(exchange: Exchange, request: StreamRequest): Promise<void>;
  wait(exchange: Exchange, request: StreamRequest): Promise<void>;
  /** A snapshot that is not at hand. */
  cold(exchange: Exchange, target: ReadTarget): Promise<FeedSnapshot>;
}

export interface StreamRequest {
  readonly target: ReadTarget;
  readonly admission: { readonly id: string; readonly expiresAt?: Date };
  readonly query: ReadQuery;
}

/** The data plane over HTTP, registered on Fastify itself. What is at hand is answered by `WarmReads` before it. */
export class ConfigRoutes {
  constructor(
    private readonly source: SnapshotSource,
    private readonly feed: Feed,
    private readonly access: ReadAccess,
    private readonly answers: SnapshotAnswers,
    private readonly streams: Streams,
  ) {}

  register(fastify: FastifyInstance): void {
    const route = (url: string, handler: (exchange: Exchange) => Promise<void>) => {
      fastify.route({
        method: ['GET', 'HEAD'],
        url,
        config: { access: 'self' },
        handler: (request, reply) => {
          handler({ request, reply }).catch((error: unknown) => sendProblem(error, request, reply));
        },
      });
    };
    route('/v1/config/:environment/:service', (exchange) => this.snapshot(exchange));
    route('/v1/config/:environment/:service/:document', (exchange) => this.document(exchange));
  }

  private async snapshot(exchange: Exchange): Promise<void> {
    const { request, reply } = exchange;
    const { target, admission } = await this.admit(request);
    const query = parseReadQuery(request.query);
    const isHead = request.method === 'HEAD';
    if (wantsEvents(request.headers.accept) && !isHead) return this.streams.events(exchange, { target, admission, query });
    if (query.waitMs !== undefined && !isHead) return this.streams.wait(exchange, { target, admission, query });
    if (query.origin) {
      const explanation = JSON.stringify(await this.source.explain(target));
      void reply.header('content-type', 'application/json').send(explanation);
      return undefined;
    }
    const snapshot = await this.read(exchange, target, query);
    return this.answers.write(takeOver(exchange), snapshot, this.positionOf(snapshot, target, query));
  }

  private async document(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const { target } = await this.admit(request);
    const query = parseReadQuery(request.query);
    if (query.waitMs !== undefined || query.origin) throw malformed('A document is read with "asOf" or "revision" only.');
    const { document: name = '' } = request.params as Params;
    if (!DOCUMENT_NAME_PATTERN.test(name)) {
      throw malformed('"document" must be 1 to 128 letters, digits, dots, underscores and hyphens, and neither begin nor end with a dot.', '/document');
    }
    const snapshot = await this.read(exchange, target, query);
    const source = snapshot.source(name);
    if (source === undefined) {
      throw new DomainError('document_not_found', `${target.service} has no document "${name}" in ${target.environment}.`);
    }
    if (target.clear === true) refuseUnreadable(snapshot, name);
    writeDocument(takeOver(exchange), source, this.positionOf(snapshot, target, query));
  }

  private async admit(request: FastifyRequest) {
    const params = request.params as Params;
    // First: what is decided on is what is looked up.
    const target = targetOf(params.service, params.environment);
    const admission = await this.access.admit(bearerOf(request.headers), target);
    return { admission, target: deliveredTo(admission, target) };
  }

  private async read(exchange: Exchange, target: ReadTarget, { asOf, revision }: ReadQuery): Promise<FeedSnapshot> {
    if (asOf !== undefined) {
      if (this.source.getAsOf === undefined) throw malformed('"asOf" cannot be answered here.', '/asOf');
      return this.source.getAsOf(target, asOf);
    }
    if (revision !== undefined) await this.feed.reach(revision);
    return this.source.peek(target) ?? this.streams.cold(exchange, target);
  }

  /** The log revision an answer is as of. The log may have moved on while the snapshot was read. */
  private positionOf(snapshot: FeedSnapshot, target: ReadTarget, { asOf }: ReadQuery): number {
    return asOf ?? (this.source.peek(target) === snapshot ? this.source.position : snapshot.revision);
  }
}

/** A text by itself cannot say which of its values are not what they should be. */
function refuseUnreadable({ notes }: FeedSnapshot, name: string): void {
  const unreadable = notes?.unreadable?.filter(({ document }) => document === name) ?? [];
  if (unreadable.length === 0) return;
  const places = unreadable.map(({ path, reason }) => `${path} (${reason})`).join(', ');
  throw new DomainError('secret_unreadable', `Sealed values of ${name} cannot be read here: ${places}.`, { extra: { unreadable } });
}

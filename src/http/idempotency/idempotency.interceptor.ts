import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { catchError, concatMap, from, of, switchMap, throwError, type Observable } from 'rxjs';
import { problemOf } from '../problem';
import { idempotencyKeyOf } from '../request-context';
import { IdempotencyStore, type RequestKey, type StoredAnswer } from './idempotency-store';
import './idempotent';

const KEPT_HEADERS = ['etag', 'location', 'content-type'] as const;
/** Answers that say nothing about the request itself, or that another try may change. */
const PASSING = new Set([401, 403, 412, 429]);

/**
 * Answers a repeated request as it was answered the first time. The answer is stored after the use case has committed;
 * a process that dies in between leaves an unfinished row. The request then runs again, and a use case that must not
 * happen twice recognises `actor.claimId`, which it stored in its own transaction.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { actor } = request;
    if (request.routeOptions.config.idempotent !== true || actor === undefined) return next.handle();
    const idempotencyKey = idempotencyKeyOf(request);
    if (idempotencyKey === undefined) return next.handle();

    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const key: RequestKey = { actorId: actor.id, key: idempotencyKey, fingerprint: fingerprintOf(request) };
    return from(this.store.claim(key)).pipe(
      switchMap((claimed) => {
        if (!('claimId' in claimed)) return of(replay(claimed, reply));
        request.actor = { ...actor, claimId: claimed.claimId };
        return this.run(key, next, request, reply);
      }),
    );
  }

  private run(key: RequestKey, next: CallHandler, request: FastifyRequest, reply: FastifyReply): Observable<unknown> {
    return next.handle().pipe(
      concatMap(async (body: unknown) => {
        const answer = { status: reply.statusCode, headers: keptHeaders(reply), body };
        await this.store.finish(key, answer).catch((failure: unknown) => this.warn(request, failure));
        return body;
      }),
      catchError((error: unknown) => from(this.keepRefusal(key, error, request)).pipe(switchMap(() => throwError(() => error)))),
    );
  }

  private async keepRefusal(key: RequestKey, error: unknown, request: FastifyRequest): Promise<void> {
    const { problem, headers } = problemOf(error, request.id);
    try {
      if (problem.status >= 500 || PASSING.has(problem.status)) await this.store.release(key);
      else await this.store.finish(key, { status: problem.status, headers: { 'content-type': headers['content-type'] ?? '' }, body: problem });
    } catch (failure) {
      this.warn(request, failure);
    }
  }

  /** What was done is done, and is answered. The key is free again when its row counts as abandoned. */
  private warn(request: FastifyRequest, failure: unknown): void {
    request.log.warn({ err: failure, requestId: request.id }, 'the answer to an Idempotency-Key could not be stored');
  }
}

function replay({ status, headers, body }: StoredAnswer, reply: FastifyReply): unknown {
  void reply.code(status).headers({ ...headers, 'idempotency-replayed': 'true' });
  // Fastify serialises what it sends as JSON by itself; a problem document is JSON under another name.
  return headers['content-type'] === undefined || body === undefined ? body : Buffer.from(JSON.stringify(body));
}

function keptHeaders(reply: FastifyReply): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = reply.getHeader(name);
    if (typeof value === 'string') kept[name] = value;
  }
  return kept;
}

function fingerprintOf(request: FastifyRequest): Buffer {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([request.method, request.url, request.headers['content-type'] ?? '']));
  const { seal } = request.query as { seal?: string };
  // The hash of a body that holds a secret would give a short one away to whoever can try all there are.
  if (request.bodyDigest !== undefined && (seal === undefined || seal === 'false')) hash.update(request.bodyDigest);
  return hash.digest();
}

import { DomainError } from '../kernel/domain-error';
import type { ErrorKind } from '../kernel/error-codes';
import { translateError } from './translate-error';

export const PROBLEM_TYPE = 'application/problem+json';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  precondition: 412,
  'too-large': 413,
  unsupported: 415,
  invalid: 422,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
};

/** A problem document (RFC 9457). `type` is a stable reference to the page that explains the code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly pointer?: string;
  readonly requestId: string;
  readonly [extra: string]: unknown;
}

export interface ProblemResponse {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
  /** The fault is ours, or of what we depend on: it belongs into the log with its stack. */
  readonly cause: Error;
}

export function statusOf(kind: ErrorKind): number {
  return STATUS[kind];
}

/** What the caller is told about `error`, whatever it is. Nothing of the inside is told. */
export function problemOf(error: unknown, requestId: string): ProblemResponse {
  const domainError = translateError(error);
  const status = statusOf(domainError.kind);
  const { pointer } = domainError;
  const members = {
    type: `/docs/errors#${domainError.code}`,
    title: domainError.title,
    status,
    code: domainError.code,
    detail: domainError.message,
    ...(pointer === undefined ? {} : { pointer }),
    requestId,
  };
  return {
    // Spread twice: first for the order in which they are read, and again because an extra may not replace one.
    problem: { ...members, ...domainError.extra, ...members },
    headers: headersOf(domainError),
    cause: error instanceof Error ? error : domainError,
  };
}

function headersOf(error: DomainError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' };
  if (error.kind === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="trimtab"';
  const retryAfter = error.extra['retryAfter'];
  if (typeof retryAfter === 'number') headers['retry-after'] = String(retryAfter);
  else if (error.kind === 'unavailable' || error.kind === 'too-many') headers['retry-after'] = '1';
  return headers;
}

import { HttpException } from '@nestjs/common';
import { types } from 'node:util';
import { DomainError } from '../kernel/domain-error';

/** Any error as one the caller can understand. What is not understood here is `internal`, and says nothing. */
export function translateError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  // Nest wraps Fastify's errors and drops their code; the original is its cause.
  if (error instanceof HttpException) return translateStatus(error.getStatus(), codeOf(error.cause), error);
  const code = codeOf(error);
  if (isDatabaseDown(error, code)) {
    return new DomainError('unavailable', 'The database cannot be reached right now. Try again in a moment.', { cause: error });
  }
  if (code === '22021' || code === '22P05') {
    return new DomainError('malformed_request', 'A text holds a character that cannot be stored (NUL).', { cause: error });
  }
  const status = statusCodeOf(error);
  if (status !== undefined && (code?.startsWith('FST_') || status < 500)) return translateStatus(status, code, error);
  return new DomainError('internal', 'The request failed because of a fault in the server. Its log has more under the request id.', { cause: error });
}

function translateStatus(status: number, code: string | undefined, cause: unknown): DomainError {
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return new DomainError('malformed_request', 'A part of the path is too long.', { cause });
  if (code === 'FST_ERR_BAD_URL') return new DomainError('malformed_request', 'The URL is not well-formed.', { cause });
  switch (status) {
    case 401: return new DomainError('unauthenticated', 'Send a valid credential: `Authorization: Bearer <token>`.', { cause });
    case 403: return new DomainError('forbidden', 'The credential does not allow this.', { cause });
    case 404:
    case 405: return new DomainError('route_not_found', 'There is no such route. /openapi.json lists all there are.', { cause });
    case 413: return new DomainError('payload_too_large', 'The request body is larger than the server accepts.', { cause });
    case 414:
    case 431: return new DomainError('malformed_request', 'The URL or the headers of the request are too long.', { cause });
    case 415: return new DomainError('unsupported_media_type', 'The Content-Type header is not one that can be understood here.', { cause });
    case 429: return new DomainError('too_many_requests', 'Too many requests. Slow down and try again.', { cause });
    case 503:
    case 504: return new DomainError('unavailable', 'The server cannot answer right now. Try again in a moment.', { cause });
    default:
      return status < 500
        ? new DomainError('malformed_request', 'The request is not well-formed.', { cause })
        : new DomainError('internal', 'The request failed because of a fault in the server. Its log has more under the request id.', { cause });
  }
}

const SOCKET_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT']);
/** Shutting down or starting, too many connections, statement timeout, deadlock, serialization, lock not available. */
const SQL_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '53400', '57014', '40P01', '40001', '55P03', '25006']);
/** pg and TypeORM say these with a message only. Metadata is missing as long as the database has never been open. */
const MESSAGES = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|Driver not Connected|No metadata for|Connection is not established|Query read timeout|terminating connection)/i;

/** A failure of reaching the database, not of what was asked of it. */
export function isDatabaseDown(error: unknown, code = codeOf(error)): boolean {
  if (!isError(error)) return false;
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.every((one) => isDatabaseDown(one));
  const fromDatabase = 'driverError' in error || 'syscall' in error || 'severity' in error;
  if (code !== undefined && fromDatabase && (SOCKET_CODES.has(code) || SQL_STATES.has(code) || /^08[0-9A-Z]{3}$/.test(code))) {
    return code !== 'ENOENT' || Reflect.get(error, 'syscall') === 'connect';
  }
  return MESSAGES.test(error.message);
}

/** Also for errors of another realm, such as those Node throws into a test's sandbox. */
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}

/** The `code` of an error, or of the driver's error that TypeORM wraps. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') return code;
  return driverError === error ? undefined : codeOf(driverError);
}

function statusCodeOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') as unknown : undefined;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined;
}

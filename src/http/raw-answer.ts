import { STATUS_CODES } from 'node:http';
import type { DomainError } from '../kernel/domain-error';
import type { CommonHeaders } from './common-headers';
import { problemOf } from './problem';
import { encode } from './problem.filter';

/** A whole refusal as bytes, for a bare socket: where there is no response object, because there is no readable request or it wants to be something else. */
export function rawAnswer(error: DomainError, requestId: string, { fixed }: CommonHeaders): Buffer {
  const { problem, headers } = problemOf(error, requestId);
  const body = encode(problem);
  const lines = Object.entries({ ...headers, ...fixed, 'x-request-id': requestId, 'content-length': body.length, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n`), body]);
}

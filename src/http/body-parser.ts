import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { DEFAULT_DOCUMENT_LIMITS } from '../documents/document-type';
import { decodeSource, parseDocument } from '../documents/parse-document';
import { DomainError } from '../kernel/domain-error';
import './needs';
import './route-config';

/** A body that is too large is read to its end and thrown away, so that the caller gets to read the answer. Not for ever. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;
/** What strangers have to say: a login and a password, a link, an answer of an identity provider. */
const MAX_STRANGERS_BYTES = 16 * 1024;
const MAX_STRANGERS_DRAINED_BYTES = 1024 * 1024;
const JSON_TYPE = /^application\/(?:json|[a-z0-9.!#$&^_-]+\+json)$/;

/**
 * One parser for every content type. Ordinary routes take JSON, strictly: UTF-8 is checked, duplicate keys are refused,
 * depth is bounded, and no key is special. Routes marked `@RawBody()` get the bytes. A fault is kept on the request and
 * thrown one hook later: thrown here, Fastify would close the connection.
 */
export function registerBodyParser(fastify: FastifyInstance, maxBodyBytes: number): void {
  fastify.decorateRequest('bodyFault', undefined);
  fastify.decorateRequest('bodyDigest', undefined);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    try {
      const isStranger = request.routeOptions.config.access === 'public';
      const limits = isStranger ? { max: MAX_STRANGERS_BYTES, drained: MAX_STRANGERS_DRAINED_BYTES } : { max: maxBodyBytes, drained: MAX_DRAINED_BYTES };
      const bytes = await readBody(request, payload, limits);
      if (request.headers['idempotency-key'] !== undefined) request.bodyDigest = createHash('sha256').update(bytes).digest();
      return request.routeOptions.config.rawBody === true ? bytes : parseJson(bytes, request, maxBodyBytes);
    } catch (error) {
      if (error instanceof BodyNotRead) throw error.cause;
      request.bodyFault = error instanceof DomainError ? error : new DomainError('malformed_request', 'The request body ended early.', { cause: error });
      return undefined;
    }
  });
  fastify.addHook('preValidation', (request, _reply, done) => done(request.bodyFault));
}

/** The rest of the body is still on its way, so the connection cannot be used again. */
class BodyNotRead extends Error {
  constructor(override readonly cause: DomainError) {
    super(cause.message);
  }
}

async function readBody(request: FastifyRequest, payload: IncomingMessage, { max, drained }: { readonly max: number; readonly drained: number }): Promise<Buffer> {
  const tooLarge = new DomainError('payload_too_large', `The request body is larger than ${max} bytes.`);
  const encoding = request.headers['content-encoding'];
  const chunks: Buffer[] = [];
  let length = 0;
  if (Number(request.headers['content-length']) > drained) throw new BodyNotRead(tooLarge);
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > drained) throw new BodyNotRead(tooLarge);
    if (length <= max) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > max) throw tooLarge;
  if (encoding !== undefined && encoding !== 'identity') {
    throw new DomainError('unsupported_media_type', 'Content-Encoding is not supported: send the body as it is.');
  }
  return Buffer.concat(chunks, length);
}

function parseJson(bytes: Buffer, request: FastifyRequest, maxBytes: number): unknown {
  if (bytes.length === 0) return undefined;
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!JSON_TYPE.test(mediaType)) {
    throw new DomainError('unsupported_media_type', `This route takes application/json, not ${mediaType === '' ? 'a body without a Content-Type' : mediaType}.`, {
      extra: { supported: ['application/json'] },
    });
  }
  const limits = { ...DEFAULT_DOCUMENT_LIMITS, maxBytes };
  try {
    return parseDocument(decodeSource(bytes, limits), { format: 'json', keys: 'literal' }, limits).value;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (request.routeOptions.config.secretBody === true) {
      throw new DomainError('malformed_request', 'The request body is not JSON that can be taken. It holds secrets, so nothing of it is shown here.');
    }
    if (error.code !== 'document_syntax') throw error;
    throw new DomainError('malformed_request', `The request body is not valid JSON: ${error.message}`, { extra: error.extra, cause: error });
  }
}

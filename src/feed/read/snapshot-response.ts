import { writeRaw, type RawExchange } from '../exchange';
import type { SourceText } from '../../snapshots/snapshot';

/** The whole snapshot. `revision` is what the answer is as of. */
export function writeSnapshot(exchange: RawExchange, etag: string, revision: number, body: Buffer, isCompressed: boolean): void {
  writeContent(exchange, { etag, revision, type: 'application/json', body, isCompressed });
}

/** One document as its author wrote it. */
export function writeDocument(exchange: RawExchange, { text, mediaType, etag }: SourceText, logRevision: number): void {
  if (isKnown(exchange.request.headers['if-none-match'], etag)) writeNotModified(exchange, etag, logRevision);
  else writeContent(exchange, { etag, revision: logRevision, type: mediaType, body: Buffer.from(text), isCompressed: false });
}

export function writeNotModified(exchange: RawExchange, etag: string, revision: number): void {
  writeRaw(exchange, 304, validators(etag, revision));
}

interface Content {
  readonly etag: string;
  readonly revision: number;
  readonly type: string;
  readonly body: Buffer;
  readonly isCompressed: boolean;
}

function writeContent(exchange: RawExchange, { etag, revision, type, body, isCompressed }: Content): void {
  const headers = validators(etag, revision);
  headers.push('Content-Type', type, 'Content-Length', String(body.length));
  if (isCompressed) headers.push('Content-Encoding', 'gzip');
  writeRaw(exchange, 200, headers, body);
}

/** Every client asks again whether what it has is still the newest; what one may see, another may not. */
function validators(etag: string, revision: number): string[] {
  return ['ETag', etag, 'Trimtab-Revision', String(revision), 'Cache-Control', 'private, no-cache', 'Vary', 'Accept, Accept-Encoding, Authorization'];
}

/** Whether one of the ETags of `If-None-Match` is this one, by the weak comparison of RFC 9110 section 13.1.2. */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch === etag || ifNoneMatch.split(',').some((candidate) => ['*', etag, `W/${etag}`].includes(candidate.trim()));
}

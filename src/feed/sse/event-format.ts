import type { Since } from '../subscription';
import type { EncodedMessage } from '../encoded-message';
import { malformed } from '../malformed';

export const EVENT_STREAM_TYPE = 'text/event-stream';
export const HEARTBEAT = Buffer.from(':\n\n');

/** A message as an event; JSON has no raw line breaks, so it is one `data` line. `id` is where the client stands then. */
export function eventOf(json: readonly Buffer[], { message, position }: EncodedMessage): Buffer {
  const id = position === undefined ? '' : `id: ${position.revision}:${position.etag}\n`;
  return Buffer.concat([Buffer.from(`event: ${message.type}\n${id}data: `), ...json, Buffer.from('\n\n')]);
}

/** The `Last-Event-ID` of a stream that is taken up again. */
export function sinceOf(lastEventId: string | string[] | undefined): Since | null {
  if (lastEventId === undefined || lastEventId === '') return null;
  const match = typeof lastEventId === 'string' ? /^(\d{1,16}):("[\x21\x23-\x7e]{1,126}")$/.exec(lastEventId) : null;
  const revision = Number(match?.[1]);
  if (match !== null && Number.isSafeInteger(revision)) return { revision, etag: match[2] as string };
  throw malformed('"Last-Event-ID" must be the id of an event of this stream, or absent.');
}

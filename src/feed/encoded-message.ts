import type { FeedMessage, Position } from '@trimtab/client/protocol';
import type { FeedSnapshot } from './snapshot-source';

/** How a transport puts a message into bytes. The function itself is the key under which its result is kept. */
export type WireFormat = (json: string, message: EncodedMessage) => Buffer;

/**
 * One message for however many clients: serialized when the first of them needs it, and put into the bytes of each
 * transport once.
 */
export class EncodedMessage {
  private text: string | undefined;
  private readonly frames = new Map<WireFormat, Buffer>();

  constructor(
    readonly message: FeedMessage,
    /** Where the client stands once it has taken the message; none after `closing`. */
    readonly position?: Position,
    /** What `snapshot` and `delta` lead to. */
    readonly snapshot?: FeedSnapshot,
  ) {}

  get json(): string {
    return (this.text ??= JSON.stringify(this.message));
  }

  as(format: WireFormat): Buffer {
    const known = this.frames.get(format);
    if (known !== undefined) return known;
    const frame = format(this.json, this);
    this.frames.set(format, frame);
    return frame;
  }
}

export function closing(code: string, detail: string, retry: boolean, withinMs?: number): EncodedMessage {
  return new EncodedMessage({ type: 'closing', code, detail, retry, ...(withinMs === undefined ? {} : { withinMs }) });
}

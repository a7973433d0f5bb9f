import type { FeedMessage, Position } from '@trimtab/client/protocol';
import type { FeedSnapshot } from './snapshot-source';

/**
 * How a transport puts a message, of which it gets the JSON in parts, into bytes. The function itself is the key under
 * which its result is kept.
 */
export type WireFormat = (json: readonly Buffer[], message: EncodedMessage) => Buffer;

/** One that takes its time, off the event loop. It never rejects. */
export type SlowWireFormat = (json: readonly Buffer[]) => Promise<Buffer>;

/**
 * One message for however many clients: serialized when the first of them needs it, and put into the bytes of each
 * transport once.
 */
export class EncodedMessage {
  private parts: readonly Buffer[] | undefined;
  private readonly frames = new Map<WireFormat | SlowWireFormat, Buffer>();
  private readonly making = new Map<SlowWireFormat, Promise<void>>();

  constructor(
    readonly message: FeedMessage,
    /** Where the client stands once it has taken the message; none after one that says nothing about the snapshot. */
    readonly position?: Position,
    /** What `snapshot` and `delta` lead to. */
    readonly snapshot?: FeedSnapshot,
    json?: Buffer,
  ) {
    this.parts = json && [json];
  }

  get json(): readonly Buffer[] {
    return (this.parts ??= this.encode());
  }

  /** Length of the JSON. */
  get bytes(): number {
    return this.json.reduce((sum, { length }) => sum + length, 0);
  }

  as(format: WireFormat): Buffer {
    const known = this.frames.get(format);
    if (known !== undefined) return known;
    const frame = format(this.json, this);
    this.frames.set(format, frame);
    return frame;
  }

  /** What {@link make} has made. */
  made(format: SlowWireFormat): Buffer | undefined {
    return this.frames.get(format);
  }

  make(format: SlowWireFormat): Promise<void> {
    let making = this.making.get(format);
    if (making === undefined) {
      making = format(this.json).then((frame) => void this.frames.set(format, frame));
      this.making.set(format, making);
    }
    return making;
  }

  private encode(): readonly Buffer[] {
    const whole = this.message.type === 'snapshot' ? this.snapshot : undefined;
    return (whole && wholeFromBody(whole)) ?? [Buffer.from(JSON.stringify(this.message))];
  }
}

export function closing(code: string, detail: string, retry: boolean, withinMs?: number): EncodedMessage {
  return new EncodedMessage({ type: 'closing', code, detail, retry, ...(withinMs === undefined ? {} : { withinMs }) });
}

/** The last fifth of the time is for those who are late. */
export function moveNotice(withinMs: number): EncodedMessage {
  return new EncodedMessage({ type: 'move', withinMs: Math.floor(withinMs * 0.8) });
}

/**
 * The whole snapshot as a message differs from its body, which is at hand, only in how it begins: a large one is not
 * serialized a second time. Undefined if the body begins in another way.
 */
function wholeFromBody({ service, environment, body }: FeedSnapshot): readonly Buffer[] | undefined {
  const named = Buffer.from(`${JSON.stringify({ service, environment }).slice(0, -1)},`);
  if (!body.subarray(0, named.length).equals(named)) return undefined;
  return [Buffer.from('{"type":"snapshot",'), body.subarray(named.length)];
}

import { DiscardPolicy, jetstream, JetStreamApiCodes, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { GENERATION_KEY, type GenerationEntry } from './entries';
import type { NatsLink } from './nats-link';

/** The entry of a message travels in this header, so that a watch can leave the contents out. */
export const ENTRY_HEADER = 'Trimtab-Entry';
/** As every client of NATS marks a deleted key. */
export const OPERATION_HEADER = 'KV-Operation';

/**
 * Versions of a key that are kept: an edge that is this many publishes of one target behind still finds the content it
 * was told of, and needs no newer one than it knows the position of.
 */
const HISTORY = 16;
const REQUEST_TIMEOUT_MS = 5_000;
/** Headers take part of a message as well. */
const ROOM_FOR_HEADERS = 16 * 1024;
const MAX_CHUNK_BYTES = 512 * 1024;

export interface StreamFacts {
  readonly created: string;
  readonly lastSequence: number;
}

interface Apis {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/** The key-value bucket, which is a stream of messages with a subject per key, as NATS lays it out. */
export class Bucket {
  private apis: Promise<Apis> | undefined;

  constructor(
    private readonly link: NatsLink,
    readonly name: string,
  ) {}

  get stream(): string {
    return `KV_${this.name}`;
  }

  subject(key: string): string {
    return `$KV.${this.name}.${key}`;
  }

  keyOf(subject: string): string {
    return subject.slice(this.subject('').length);
  }

  async use(): Promise<Apis> {
    this.apis ??= this.open();
    return this.apis;
  }

  /** Makes the bucket, unless it is there. Only the control plane does. */
  async ensure(replicas: number): Promise<void> {
    const { jsm } = await this.use();
    try {
      await this.link.whileUp(() => jsm.streams.info(this.stream));
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      await jsm.streams.add({
        name: this.stream,
        description: 'Trimtab: published snapshots, for edges',
        subjects: [this.subject('>')],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        max_msgs_per_subject: HISTORY,
        num_replicas: replicas,
        allow_direct: true,
        allow_rollup_hdrs: true,
        deny_delete: true,
      });
    }
  }

  /** @throws when the bucket is not there */
  async facts(): Promise<StreamFacts> {
    const { jsm } = await this.use();
    const { created, state } = await this.link.whileUp(() => jsm.streams.info(this.stream));
    return { created: String(created), lastSequence: state.last_seq };
  }

  async generation(): Promise<string | undefined> {
    const { jsm } = await this.use();
    const message = await this.link.whileUp(() => jsm.direct.getMessage(this.stream, { last_by_subj: this.subject(GENERATION_KEY) }));
    const text = message?.header.get(ENTRY_HEADER) ?? '';
    return text === '' ? undefined : (JSON.parse(text) as GenerationEntry).id;
  }

  /** Writes if the key's newest message is still the one with the sequence `after` (0: there is none). Returns the new one. */
  async put(key: string, entry: object, after: number, content?: Uint8Array): Promise<number> {
    const { js } = await this.use();
    const fields = headers();
    fields.set(ENTRY_HEADER, asciiJson(entry));
    const ack = await this.link.whileUp(() => js.publish(this.subject(key), content, { headers: fields, timeout: REQUEST_TIMEOUT_MS, expect: { lastSubjectSequence: after } }));
    return ack.seq;
  }

  async delete(key: string, after: number): Promise<number> {
    const { js } = await this.use();
    const fields = headers();
    fields.set(OPERATION_HEADER, 'DEL');
    const ack = await this.link.whileUp(() => js.publish(this.subject(key), undefined, { headers: fields, timeout: REQUEST_TIMEOUT_MS, expect: { lastSubjectSequence: after } }));
    return ack.seq;
  }

  /** Not compared with anything: a chunk is nothing until an entry names its sequence. */
  async putChunk(key: string, content: Uint8Array): Promise<number> {
    const { js } = await this.use();
    return (await this.link.whileUp(() => js.publish(this.subject(key), content, { timeout: REQUEST_TIMEOUT_MS }))).seq;
  }

  /** The content of one message; undefined when newer ones have pushed it out, or it has not arrived here yet. */
  async content(sequence: number): Promise<Uint8Array | undefined> {
    const { jsm } = await this.use();
    return (await this.link.whileUp(() => jsm.direct.getMessage(this.stream, { seq: sequence })))?.data;
  }

  /** How much content one message can carry. */
  async chunkBytes(): Promise<number> {
    const { nc } = await this.use();
    return Math.min(MAX_CHUNK_BYTES, (nc.info?.max_payload ?? MAX_CHUNK_BYTES) - ROOM_FOR_HEADERS);
  }

  private async open(): Promise<Apis> {
    const nc = await this.link.use();
    const options = { timeout: REQUEST_TIMEOUT_MS };
    return { nc, js: jetstream(nc, options), jsm: await jetstreamManager(nc, { ...options, checkAPI: false }) };
  }
}

/** Somebody else has written the key since it was read. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}

export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** Headers are text of one line, and not every reader of them takes it for UTF-8. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

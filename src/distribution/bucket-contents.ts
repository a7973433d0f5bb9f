import { GENERATION_KEY, POSITION_KEY, type PositionEntry } from '../nats/entries';
import type { BucketEntry, WatchListener } from '../nats/bucket-watch';

interface Known {
  readonly sequence: number;
  /** Undefined when the key was deleted. */
  readonly value: unknown;
}

export interface ContentsListener {
  /** Everything in the bucket is known, for the first time or again. */
  loaded(rolledBack: boolean): void;
  /** Something was written that this process has not written. */
  writtenByAnother(key: string): void;
}

/** What the bucket holds, as its distributor knows it: told by its own writes first, and by the watch of everybody's. */
export class BucketContents implements WatchListener {
  private known = new Map<string, Known>();
  private readonly underWay = new Set<string>();
  private isLoaded = false;
  private rolledBack = false;

  constructor(private readonly listener: ContentsListener) {}

  /** False until everything was read, and again when the bucket turned out to be another one. */
  get loaded(): boolean {
    return this.isLoaded;
  }

  get position(): PositionEntry | undefined {
    return this.value(POSITION_KEY) as PositionEntry | undefined;
  }

  get hasGeneration(): boolean {
    return this.value(GENERATION_KEY) !== undefined;
  }

  value(key: string): unknown {
    return this.known.get(key)?.value;
  }

  /** Of the newest message of the key, also of one that deletes it; 0 when there is none. */
  sequenceOf(key: string): number {
    return this.known.get(key)?.sequence ?? 0;
  }

  /** The keys that begin so and are not deleted. */
  *keys(prefix: string): IterableIterator<string> {
    for (const [key, { value }] of this.known) if (value !== undefined && key.startsWith(prefix)) yield key;
  }

  /**
   * This process writes it. The watch may tell of it before the answer is here. Should somebody else come in between, the
   * write fails.
   */
  async write(key: string, value: unknown, write: (after: number) => Promise<number>): Promise<void> {
    this.underWay.add(key);
    try {
      const sequence = await write(this.sequenceOf(key));
      if (sequence > this.sequenceOf(key)) this.known.set(key, { sequence, value });
    } finally {
      this.underWay.delete(key);
    }
  }

  restarted(rolledBack: boolean): void {
    this.known = new Map();
    this.isLoaded = false;
    this.rolledBack ||= rolledBack;
  }

  entry({ key, sequence, value }: BucketEntry): void {
    if (sequence <= this.sequenceOf(key)) return;
    this.known.set(key, { sequence, value });
    if (this.isLoaded && !this.underWay.has(key)) this.listener.writtenByAnother(key);
  }

  caughtUp(): void {
    this.isLoaded = true;
    const { rolledBack } = this;
    this.rolledBack = false;
    this.listener.loaded(rolledBack);
  }
}

import { layerKey } from '../kernel/names';
import type { BucketEntry, WatchListener } from '../nats/bucket-watch';
import { parseKey, type CredentialEntry, type DataKeyEntry, type EnvironmentEntry, type PositionEntry, type SnapshotEntry } from '../nats/entries';
import { StepCollector, type Pointer, type Step } from './step-collector';

export interface ReaderEvents {
  /** The first of them says what there is at all; each later one what has changed. */
  step(step: Step): void;
  /** A client key was added or removed, or all were read again. */
  credentials(): void;
  /** The same of the keys that values are sealed with. */
  dataKeys(): void;
}

/** What the bucket says apart from snapshots. */
export interface Facts {
  readonly environments: Map<string, EnvironmentEntry>;
  readonly services: Set<string>;
  readonly credentials: Map<string, CredentialEntry>;
  readonly dataKeys: Map<string, DataKeyEntry>;
}

const noFacts = (): Facts => ({ environments: new Map(), services: new Set(), credentials: new Map(), dataKeys: new Map() });

/**
 * Takes in what the watch of the bucket brings. A whole reading takes effect when it is complete; until then what was
 * known before holds.
 *
 * States: `waiting` → (a reading begins) `reading` → (caught up, and there is a position) `following` → `reading`.
 */
export class BucketReader implements WatchListener {
  private readonly collector = new StepCollector();
  private state: 'waiting' | 'reading' | 'following' = 'waiting';
  private reading = noFacts();
  private readPointers = new Map<string, Pointer>();
  private readPosition: PositionEntry | undefined;
  /** Everything there was when the reading began has been read. */
  private drained = false;

  /** `known`: from before the bucket was read. */
  constructor(
    private readonly events: ReaderEvents,
    private known: Facts = noFacts(),
  ) {}

  get facts(): Facts {
    return this.known;
  }

  restarted(): void {
    this.state = 'reading';
    this.reading = noFacts();
    this.readPointers = new Map();
    this.readPosition = undefined;
    this.drained = false;
  }

  entry({ key, sequence, value, newest }: BucketEntry): void {
    const parsed = parseKey(key);
    switch (parsed.kind) {
      case 'snapshot':
        if (value !== undefined) this.pointer({ ...(value as SnapshotEntry), target: parsed.target, sequence });
        return;
      case 'position':
        if (value !== undefined) this.position(value as PositionEntry, newest);
        return;
      case 'environment':
        if (value !== undefined) this.current.environments.set(parsed.name, value as EnvironmentEntry);
        return;
      case 'service':
        if (value !== undefined) this.current.services.add(parsed.name);
        return;
      case 'credential':
        if (value === undefined) this.current.credentials.delete(parsed.name);
        else this.current.credentials.set(parsed.name, value as CredentialEntry);
        if (this.state === 'following') this.events.credentials();
        return;
      case 'data-key':
        if (value !== undefined) this.current.dataKeys.set(parsed.name, value as DataKeyEntry);
        if (this.state === 'following') this.events.dataKeys();
    }
  }

  caughtUp(): void {
    this.drained = true;
    this.finishReading();
  }

  /** Without a position nobody has distributed anything yet: the first one is waited for. */
  private finishReading(): void {
    if (this.state !== 'reading' || this.readPosition === undefined) return;
    this.state = 'following';
    this.known = this.reading;
    this.events.credentials();
    this.events.dataKeys();
    this.collector.restart(this.readPointers);
    // In the middle of a step of the distributor, what is newer than the position has to wait for the next one.
    this.events.step(this.collector.position(this.readPosition, true) ?? { position: this.readPosition.revision, pointers: this.readPointers });
    this.readPointers = new Map();
  }

  private get current(): Facts {
    return this.state === 'reading' ? this.reading : this.known;
  }

  private pointer(pointer: Pointer): void {
    const key = layerKey(pointer.target);
    if (this.state === 'following') this.collector.pointer(key, pointer);
    else this.readPointers.set(key, pointer);
  }

  private position(entry: PositionEntry, newest: boolean): void {
    if (this.state !== 'following') {
      this.readPosition = entry;
      if (this.drained && newest) this.finishReading();
      return;
    }
    const step = this.collector.position(entry, newest);
    if (step !== undefined) this.events.step(step);
  }
}

import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DATA_KEY_STORE, type DataKeyStore } from './data-key-store';
import { MASTER_KEYS, type MasterKeys, type WrappedKey } from './master-keys';
import type { DataKey } from './sealed-text';

/** Why a data key cannot be used here and now. */
export type KeyFault = 'unknown_key' | 'master_key_missing' | 'unavailable';

/**
 * The data keys, in memory: all of them wrapped, and unwrapped those that were needed. What any replica adds is read
 * when it says so, and on an id that is not known yet, because a value may arrive before the word of its key.
 */
@Injectable()
export class DataKeys implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(DataKeys.name);
  private known: ReadonlyMap<string, WrappedKey> | undefined;
  private readonly opened = new Map<string, Promise<DataKey | undefined>>();
  private readonly listeners = new Set<() => void>();
  private readonly lamented = new Set<string>();
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private unsubscribe: () => void = () => undefined;

  constructor(
    @Inject(DATA_KEY_STORE) private readonly store: DataKeyStore,
    @Inject(MASTER_KEYS) private readonly masters: MasterKeys,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.store.onChange(() => this.refresh());
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }

  /** All that are known, for keeping them elsewhere; undefined before they were first read. */
  wrapped(): readonly WrappedKey[] | undefined {
    return this.known && [...this.known.values()];
  }

  /** The key that new values of a service are sealed with, if it has one. */
  async currentOf(service: string): Promise<WrappedKey | undefined> {
    if (this.known === undefined) await this.refresh();
    return this.wrapped()?.find((key) => key.service === service && !key.retired);
  }

  async find(id: string): Promise<WrappedKey | undefined> {
    if (this.known?.has(id) !== true) await this.refresh();
    return this.known?.get(id);
  }

  /** The key itself, or why it cannot be had. */
  async open(id: string): Promise<DataKey | KeyFault> {
    let wrapped: WrappedKey | undefined;
    try {
      wrapped = await this.find(id);
    } catch {
      return 'unavailable';
    }
    if (wrapped === undefined) return 'unknown_key';
    try {
      return (await this.unwrap(wrapped)) ?? 'master_key_missing';
    } catch (error) {
      this.lament(wrapped, String(error));
      return 'unavailable';
    }
  }

  /** Tells after keys were added or changed. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when what was committed before the call is known. */
  refresh(): Promise<void> {
    if (this.running === undefined) return this.startReading();
    // What is being read now may have been read before what the caller is after was committed.
    this.queued ??= this.running.catch(() => undefined).then(() => {
      this.queued = undefined;
      return this.running ?? this.startReading();
    });
    return this.queued;
  }

  private startReading(): Promise<void> {
    this.running = this.read().finally(() => (this.running = undefined));
    return this.running;
  }

  private async read(): Promise<void> {
    const keys = await this.store.read();
    const before = this.known;
    this.known = new Map(keys.map((key) => [key.id, key]));
    if (before !== undefined && before.size === keys.length && keys.every((key) => sameKey(key, before.get(key.id)))) return;
    for (const listener of this.listeners) listener();
  }

  private unwrap(wrapped: WrappedKey): Promise<DataKey | undefined> {
    const { id, service } = wrapped;
    const known = this.opened.get(id);
    if (known !== undefined) return known;
    const opening = this.masters.unwrap(wrapped).then((bytes) => bytes && { id, service, bytes });
    this.opened.set(id, opening);
    const forget = (): void => void this.opened.delete(id);
    opening.then((key) => {
      if (key !== undefined) return;
      forget();
      this.lament(wrapped, `this process does not have the master key ${wrapped.masterKey}`);
    }, forget);
    return opening;
  }

  /** Once for each key: it may be needed by every service there is. */
  private lament({ id, service }: WrappedKey, reason: string): void {
    if (this.lamented.has(id)) return;
    this.lamented.add(id);
    this.logger.error(`The data key ${id} of ${service} cannot be opened, and what is sealed with it cannot be read: ${reason}.`);
  }
}

function sameKey(one: WrappedKey, other: WrappedKey | undefined): boolean {
  return other !== undefined && one.retired === other.retired && one.masterKey === other.masterKey && one.wrapped.equals(other.wrapped);
}

import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK, systemClock, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { SETTINGS, type Settings } from '../settings/settings';
import { backoffMs } from './backoff';
import type { Heads } from './heads';
import { ListenerConnection } from './listener-connection';
import { type HeadsListener, Subscriber } from './subscriber';

const MIN_QUERY_TIMEOUT_MS = 2_000;
const MAX_QUERY_TIMEOUT_MS = 10_000;

interface Asker {
  readonly resolve: (heads: Heads) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Learns that the log, the catalog or the credentials have moved, and tells its subscribers. A notification only makes
 * it ask sooner: it asks anyway at every poll interval and after every reconnection, on the same session, so that each
 * answer also proves that the session is alive and still subscribed.
 *
 * States: `idle` → `connecting` → `listening` → (session lost) `waiting` → `connecting`; `connecting` → (failed)
 * `waiting`; any → `stopped`, which is final and tears down a connection attempt in flight.
 */
@Injectable()
export class LogListener implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(LogListener.name);
  private readonly subscribers = new Set<Subscriber>();
  private readonly stopping = new AbortController();
  private state: 'idle' | 'connecting' | 'listening' | 'waiting' | 'stopped' = 'idle';
  private loop: Promise<void> | undefined;
  private heads: Heads | undefined;
  private checkedAt: Date | undefined;
  /** The same on the monotonic clock. */
  private checkedAtTick: number | undefined;
  private offsetMs: number | undefined;
  private askers: Asker[] = [];
  private wake: () => void = () => undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(CLOCK) private readonly clock: Clock = systemClock,
  ) {}

  /** Whether a session listens right now. */
  get connected(): boolean {
    return this.state === 'listening';
  }

  /** When the database last answered. */
  get lastCheckAt(): Date | undefined {
    return this.checkedAt;
  }

  /** How long ago that was, whatever the clocks say; -1000 before the first time. */
  get checkAgeMs(): number {
    return this.checkedAtTick === undefined ? -1_000 : performance.now() - this.checkedAtTick;
  }

  /** How far the clock of the database is ahead of this process's; undefined before the first answer. */
  get clockOffsetMs(): number | undefined {
    return this.offsetMs;
  }

  /** Starts, and waits for the first attempt only: without a database the process starts unready rather than not. */
  async onModuleInit(): Promise<void> {
    if (this.state !== 'idle') return;
    this.enter('connecting');
    await new Promise<void>((firstAttemptDone) => {
      this.loop = this.run(firstAttemptDone);
    });
  }

  /** After the feed has said good-bye, and before the pool that subscribers read from is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  async stop(): Promise<void> {
    this.enter('stopped');
    this.stopping.abort();
    this.subscribers.forEach((subscriber) => subscriber.stop());
    this.subscribers.clear();
    await this.loop;
  }

  /** The listener is told at once when the heads are known already, and whenever they move. Returns how to stop it. */
  subscribe(listener: HeadsListener): () => void {
    const subscriber = new Subscriber(listener, (error) => {
      this.logger.warn(`A subscriber could not follow and will be told again: ${messageOf(error)}`);
    });
    this.subscribers.add(subscriber);
    if (this.heads !== undefined) subscriber.offer(this.heads);
    return () => {
      subscriber.stop();
      this.subscribers.delete(subscriber);
    };
  }

  /** Asks now: the answer is never older than the call. Calls that come while a question is under way share the next one. */
  check(): Promise<Heads> {
    if (this.state !== 'listening') {
      return Promise.reject(new DomainError('unavailable', 'The database cannot be reached right now. Try again in a moment.'));
    }
    return new Promise((resolve, reject) => {
      this.askers.push({ resolve, reject });
      this.wake();
    });
  }

  private enter(state: LogListener['state']): void {
    if (this.state !== 'stopped') this.state = state;
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(firstAttemptDone: () => void): Promise<void> {
    let attempt = 0;
    while (!this.stopped) {
      try {
        this.enter('connecting');
        await this.listen(() => {
          if (attempt > 0) this.logger.log('Listening to the database again.');
          attempt = 0;
          firstAttemptDone();
        });
      } catch (error) {
        if (!this.stopped && attempt === 0) this.logger.warn(`The database cannot be listened to: ${messageOf(error)} Trying again.`);
      }
      this.enter('waiting');
      firstAttemptDone();
      await sleep(backoffMs(attempt++), undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** One session, until it is lost or we stop. Always ends by throwing or because we stop. */
  private async listen(onProven: () => void): Promise<void> {
    const { databaseUrl = '', database, log } = this.settings;
    let awake = true;
    let lost: Error | undefined;
    let interrupt: () => void = () => undefined;
    this.wake = () => {
      awake = true;
      interrupt();
    };
    const connection = await ListenerConnection.open(
      {
        url: databaseUrl,
        connectTimeoutMs: database.connectTimeoutMs,
        queryTimeoutMs: Math.min(MAX_QUERY_TIMEOUT_MS, Math.max(MIN_QUERY_TIMEOUT_MS, 2 * log.pollIntervalMs)),
        onNotification: this.wake,
        onLost: (error) => {
          lost ??= error;
          interrupt();
        },
      },
      this.stopping.signal,
    );
    const close = (): void => connection.close();
    this.stopping.signal.addEventListener('abort', close, { once: true });
    try {
      while (!this.stopped) {
        if (lost !== undefined) throw lost;
        awake = false;
        await this.ask(connection);
        onProven();
        if (awake || lost !== undefined || this.stopped) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, log.pollIntervalMs);
          interrupt = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    } finally {
      this.stopping.signal.removeEventListener('abort', close);
      connection.close();
      this.refuse(new DomainError('unavailable', 'The connection to the database was lost. Try again in a moment.'));
    }
  }

  private async ask(connection: ListenerConnection): Promise<void> {
    const askers = this.askers;
    this.askers = [];
    try {
      const askedAt = this.clock.now().getTime();
      const { heads, now } = await connection.heads();
      // Half of the round trip is on each side, as far as anyone can tell.
      this.offsetMs = now - (askedAt + this.clock.now().getTime()) / 2;
      this.enter('listening');
      this.heads = heads;
      this.checkedAt = new Date();
      this.checkedAtTick = performance.now();
      for (const subscriber of this.subscribers) subscriber.offer(heads);
      for (const { resolve } of askers) resolve(heads);
    } catch (error) {
      this.askers.push(...askers);
      throw error;
    }
  }

  private refuse(error: Error): void {
    this.enter('waiting');
    const askers = this.askers;
    this.askers = [];
    for (const { reject } of askers) reject(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

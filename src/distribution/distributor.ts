import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Revision } from '../kernel/revision';
import { Bucket, isOvertaken } from '../nats/bucket';
import { NatsLink } from '../nats/nats-link';
import { backoffMs } from '../notify/backoff';
import { SETTINGS, type Settings } from '../settings/settings';
import { Distribution, type Sources } from './distribution';
import { DistributorLock } from './distributor-lock';
import { EdgeDesk } from './edge-desk';

/** Injection token of the {@link Sources}. */
export const SOURCES = Symbol('Sources');

/** What an operator can know of the distribution from this process. */
export interface DistributionReport {
  /** `standby`: another replica distributes, or none can. */
  readonly role: 'off' | 'standby' | 'distributor';
  readonly nats: 'up' | 'down';
  /** The revision that edges can have; null when it is not known here. */
  readonly position: Revision | null;
  /** Revisions that this process knows and edges cannot have yet; null when it is not known here. */
  readonly lag: number | null;
}

/**
 * Distributes what is published over NATS, when this process is the replica whose turn it is. Nothing waits for it:
 * neither a publish nor this process's own feed.
 *
 * States: `off` (no NATS is configured); `waiting` for the lock → `distributing` → (lock lost) `waiting`; any → `stopped`.
 */
@Injectable()
export class Distributor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Distributor.name);
  private readonly stopping = new AbortController();
  private link: NatsLink | undefined;
  private term: Distribution | undefined;
  private running: Promise<void> | undefined;
  private desk: EdgeDesk | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(SOURCES) private readonly sources: Sources,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.nats.url === undefined) return;
    this.link = new NatsLink(this.settings.nats, 'trimtab replica');
    this.running = this.run(this.link);
    void this.openDesk(this.link);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.desk?.stop();
    await this.link?.close();
    await this.running;
  }

  report(): DistributionReport {
    const position = this.term?.position ?? null;
    return {
      role: this.link === undefined ? 'off' : this.term === undefined ? 'standby' : 'distributor',
      nats: this.link?.connected === true ? 'up' : 'down',
      position,
      lag: position === null ? null : Math.max(0, this.sources.heads.position - position),
    };
  }

  private async run(link: NatsLink): Promise<void> {
    for (let attempt = 0; !this.stopping.signal.aborted; ) {
      try {
        const lock = await DistributorLock.acquire(this.settings, this.stopping.signal);
        attempt = 0;
        await this.distribute(link, lock);
      } catch (error) {
        if (!this.stopping.signal.aborted && attempt === 0) this.logger.warn(`Nothing is distributed from here: ${messageOf(error)}`);
      }
      await sleep(backoffMs(attempt++), undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async distribute(link: NatsLink, lock: DistributorLock): Promise<void> {
    const { nats } = this.settings;
    try {
      const bucket = new Bucket(link, nats.bucket);
      this.logger.log(`This replica distributes what is published, over the bucket ${nats.bucket}.`);
      this.term = new Distribution(this.sources, link, { bucket, replicas: nats.replicas }, lock.lost, (what, error, attempt) => this.told(what, error, attempt));
      await untilAborted(lock.lost, this.stopping.signal);
    } finally {
      await this.term?.stop();
      this.term = undefined;
      await lock.release();
    }
  }

  /** Every replica writes for edges, whether it distributes or not. */
  private async openDesk(link: NatsLink): Promise<void> {
    const { leases, instances } = this.sources;
    const nc = await link.use().catch(() => undefined);
    if (nc !== undefined) this.desk = new EdgeDesk(nc, this.settings.nats.bucket, leases, instances);
  }

  /** Being overtaken happens when the distributor changes, and mends itself. */
  private told(what: string, error: unknown, attempt: number): void {
    if (attempt === 0 && !isOvertaken(error)) this.logger.warn(`${what} could not be distributed and will be again: ${messageOf(error)}`);
  }
}

async function untilAborted(...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return;
  await new Promise<void>((resolve) => {
    for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

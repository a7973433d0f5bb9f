import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Anchor } from './audit-line';
import { AuditLog } from './audit-log';
import { AuditVerifier } from './audit-verifier';

const INTERVAL_MS = 3_600_000;
/** The database may be away at the start. */
const RETRY_MS = 60_000;

/**
 * Writes the head of the audit into the process's own log, at the start and every hour: a chain cannot show that its end
 * was cut off, but what was logged elsewhere can. Before that, it looks whether the head it has seen last still is there.
 */
@Injectable()
export class AuditAnchors implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditAnchors.name);
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> | undefined;
  private ended = false;
  private seen: Anchor | undefined;

  constructor(
    private readonly log: AuditLog,
    private readonly verifier: AuditVerifier,
  ) {}

  /** Nothing waits for it: a process that starts without the database serves all the same. */
  onApplicationBootstrap(): void {
    this.turn = this.run();
  }

  /** Before the pool is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  /** Drops one anchor. */
  async drop(): Promise<void> {
    const head = await this.log.head();
    const fault = this.seen && (await this.verifier.faultAt(this.seen, head));
    if (fault !== undefined) this.logger.error(`The audit is not what was written, or an older database was restored: ${fault.detail} See docs/audit.md.`);
    if (head.hash !== this.seen?.hash) this.logger.log(`The audit ends at position ${head.position} with the hash ${head.hash}.`);
    this.seen = head;
  }

  private async run(): Promise<void> {
    const ok = await this.drop().then(() => true, (error: unknown) => {
      this.logger.warn(`The end of the audit could not be read, and is not in this log: ${String(error)}`);
      return false;
    });
    if (this.ended) return;
    this.timer = setTimeout(() => (this.turn = this.run()), ok ? INTERVAL_MS : RETRY_MS).unref();
  }
}

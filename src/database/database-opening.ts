import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { createDataSource, type DatabaseSettings } from './data-source';
import { openDatabase, OpenFailure } from './open-database';

const BASE_MS = 200;
const CAP_MS = 5_000;

/**
 * Opens the database: at the start, or, when the start may go on without it, in the background until it answers. There
 * is one DataSource for everyone from the beginning; until it is open, every query fails as one to a database that is
 * away does.
 *
 * States: `opening` → `open`; `opening` → `closed`; `open` → `closed`, which is final.
 */
export class DatabaseOpening {
  private readonly logger = new Logger(DatabaseOpening.name);
  private readonly stopping = new AbortController();
  private readonly opened: Promise<void>;
  private state: 'opening' | 'open' | 'closed' = 'opening';

  private constructor(
    private readonly settings: DatabaseSettings,
    readonly dataSource: DataSource,
  ) {
    if (dataSource.isInitialized) this.state = 'open';
    this.opened = this.state === 'open' ? Promise.resolve() : this.keepTrying();
  }

  /**
   * @param canWait whether the process has something to serve meanwhile. Only faults that may pass by themselves are
   *   waited for: a wrong password is told at once.
   */
  static async begin(settings: DatabaseSettings, canWait: boolean): Promise<DatabaseOpening> {
    try {
      return new DatabaseOpening(settings, await openDatabase(settings));
    } catch (error) {
      if (!canWait || !(error instanceof OpenFailure && error.passes)) throw error;
      const opening = new DatabaseOpening(settings, createDataSource(settings));
      opening.logger.error(`${error.message} Serving what the disk copy holds, and trying again.`);
      return opening;
    }
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** Resolves once the database is open, migrated and ready to be asked; never, when the process stops before. */
  whenOpen(): Promise<void> {
    return this.opened;
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    const { state } = this;
    this.state = 'closed';
    this.stopping.abort();
    if (state === 'opening') await this.opened.catch(() => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  private async keepTrying(): Promise<void> {
    let told: string | undefined;
    for (let attempt = 0; !this.stopping.signal.aborted; attempt += 1) {
      const pause = Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 10));
      await sleep(pause, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) break;
      try {
        // Checked and migrated through a connection of its own: nobody's query may meet a schema that is too old.
        await (await openDatabase(this.settings)).destroy();
        await this.dataSource.initialize();
        if (this.stopping.signal.aborted) return;
        this.state = 'open';
        this.logger.log('The database answers: following the log again.');
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== told) this.logger.warn(`${message} Trying again.`);
        told = message;
      }
    }
  }
}

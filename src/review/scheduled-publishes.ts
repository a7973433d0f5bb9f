import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseOpening } from '../database/database-opening';
import { withTimeLimit } from '../kernel/time-limit';
import { SETTINGS, type Settings } from '../settings/settings';
import { DuePublish } from './due-publish';
import { JobQueue, type DueJob } from './job-queue';
import { Schedules } from './schedules';

/** A stop does not wait longer for what is being published: the commit tells whether it was, and another process looks. */
const FAREWELL_MS = 2_000;
const START_AGAIN_MS = 1_000;

/**
 * Looks for what is due and publishes it. Every replica does; each job is given to one of them.
 *
 * States: `idle` → `waiting` (for the database, which may have been away at the start) → `looking`; any → `stopped`, which
 * is final.
 */
@Injectable()
export class ScheduledPublishes implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ScheduledPublishes.name);
  private readonly stopping = new AbortController();
  private state: 'idle' | 'waiting' | 'looking' | 'stopped' = 'idle';
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly opening: DatabaseOpening,
    private readonly jobs: JobQueue,
    private readonly schedules: Schedules,
    private readonly due: DuePublish,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Nothing waits for it. */
  onApplicationBootstrap(): void {
    this.enter('waiting');
    void this.opening.whenOpen().then(() => {
      if (!this.stopped) this.loop = this.run();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.enter('stopped');
    this.stopping.abort();
    await withTimeLimit(FAREWELL_MS, this.loop, 'The scheduled publish').catch(() => undefined);
    await this.jobs.stop();
  }

  private enter(state: ScheduledPublishes['state']): void {
    if (this.state !== 'stopped') this.state = state;
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    await this.start();
    while (!this.stopped) {
      const job = await this.jobs.next();
      if (job) await this.work(job);
      else await this.pause(this.settings.schedule.pollIntervalMs);
    }
  }

  private async start(): Promise<void> {
    for (let told = false; !this.stopped; told = true) {
      try {
        await this.jobs.start();
        await this.schedules.restoreJobs();
        return this.enter('looking');
      } catch (error) {
        if (!told) this.logger.warn(`Scheduled publishes cannot be looked for: ${String(error)} Trying again.`);
        await this.pause(START_AGAIN_MS);
      }
    }
  }

  private async work(job: DueJob): Promise<void> {
    try {
      await this.due.publish(job);
      await this.jobs.done(job);
    } catch (error) {
      this.logger.warn(`Change ${job.change} could not be published at its time: ${String(error)} It is tried again.`);
      // If that cannot be written either, the job comes back when its time is up.
      await this.jobs.retry(job, error).catch(() => undefined);
    }
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}

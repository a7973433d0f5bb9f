import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Client } from 'pg';
import PgBoss from 'pg-boss';
import { DataSource, type EntityManager } from 'typeorm';
import { SETTINGS, type Settings } from '../settings/settings';

const QUEUE = 'scheduled-publish';
const SCHEMA = 'job_queue';
/** A publish that cannot be done right now is tried again, after ever longer pauses: about half an hour in all. */
export const MAX_ATTEMPTS = 10;
const RETRY_DELAY_SECONDS = 1;
/** Giving up has to be written down as well, and may have to be tried again. */
const ATTEMPTS_TO_GIVE_UP = 100;
/** A job that nobody could run is not thrown away. */
const RETENTION_DAYS = 3_650;
const MAX_MAINTENANCE_SECONDS = 60;

/** What is due: that a schedule may have to be looked at. */
export interface DueJob {
  readonly id: string;
  readonly change: number;
  /** How often it was begun before without coming to an end. */
  readonly earlierAttempts: number;
}

/**
 * The alarm clocks. pg-boss keeps them, decides by the clock of the database which are due, gives each to one process at a
 * time, and to another when the first does not come back. It works through the connections everybody here uses: it has
 * none of its own, and a job is set in the same transaction as what it is for.
 *
 * Its own loop (`work`) is not used: it does not wait for what it writes at the end of a job, so that a lost database
 * would end this process, and it lingers for a second after having been stopped.
 */
@Injectable()
export class JobQueue {
  private readonly logger = new Logger(JobQueue.name);
  private readonly takeOverSeconds: number;
  private boss: PgBoss;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(SETTINGS) { schedule }: Settings,
  ) {
    this.takeOverSeconds = Math.ceil(schedule.takeOverMs / 1_000);
    this.boss = this.create();
  }

  /** Brings the library's tables up to date, and begins to look for jobs whose process has not come back. */
  async start(): Promise<void> {
    // One whose start has failed takes itself for started ever after.
    this.boss = this.create();
    await this.boss.start();
    await this.boss.createQueue(QUEUE);
  }

  async stop(): Promise<void> {
    await this.boss.stop({ graceful: false });
  }

  /** Part of the caller's transaction. A job of this id that is there already is left as it is. */
  async add(manager: EntityManager, id: string, at: Date, change: number): Promise<void> {
    await this.boss.send(QUEUE, { change }, {
      id,
      startAfter: at,
      expireInSeconds: this.takeOverSeconds,
      retentionDays: RETENTION_DAYS,
      retryLimit: MAX_ATTEMPTS + ATTEMPTS_TO_GIVE_UP,
      retryDelay: RETRY_DELAY_SECONDS,
      retryBackoff: true,
      db: { executeSql: (text, values) => queryOf(manager, text, values) },
    });
  }

  /** Part of the caller's transaction. */
  async remove(manager: EntityManager, id: string): Promise<void> {
    await this.boss.deleteJob(QUEUE, id, { db: { executeSql: (text, values) => queryOf(manager, text, values) } });
  }

  /** The ids among these that are still kept, whatever became of them. */
  async known(manager: EntityManager, ids: readonly string[]): Promise<Set<string>> {
    const rows = await manager.query<{ id: string }[]>(`SELECT id FROM ${SCHEMA}.job WHERE id = ANY ($1)`, [ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** One that is due, for this process alone until it is done, or for as long as it may take. Nothing, when the database is away. */
  async next(): Promise<DueJob | undefined> {
    const [job] = await this.boss.fetch<{ change: number }>(QUEUE, { includeMetadata: true, priority: false });
    return job && { id: job.id, change: job.data.change, earlierAttempts: job.retryCount };
  }

  async done({ id }: DueJob): Promise<void> {
    await this.boss.complete(QUEUE, id);
  }

  async retry({ id }: DueJob, error: unknown): Promise<void> {
    await this.boss.fail(QUEUE, id, { message: String(error) });
  }

  private create(): PgBoss {
    const boss = new PgBoss({
      db: { executeSql: (text, values) => this.execute(text, values) },
      schema: SCHEMA,
      schedule: false,
      maintenanceIntervalSeconds: Math.min(MAX_MAINTENANCE_SECONDS, Math.max(1, Math.floor(this.takeOverSeconds / 2))),
    });
    boss.on('error', (error: Error) => this.logger.warn(`Scheduled jobs could not be looked after: ${error.message}`));
    return boss;
  }

  private async execute(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as Client;
      try {
        return await client.query(text, values === undefined ? undefined : [...values]);
      } catch (error) {
        // Some of the library's texts are whole transactions: one that failed half-way must not stay open in the pool.
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    } finally {
      await runner.release();
    }
  }
}

async function queryOf({ queryRunner }: EntityManager, text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }> {
  if (!queryRunner) throw new Error('A job is set with the manager of a transaction.');
  const client = (await queryRunner.connect()) as Client;
  return client.query(text, [...values]);
}

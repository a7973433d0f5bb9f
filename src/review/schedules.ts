import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { requireAllowed } from '../access/decide';
import { recordAudit } from '../audit/record-audit';
import { Change } from '../changes/change.entity';
import { lockOpen } from '../changes/changes.service';
import type { ScheduleView } from '../changes/review.dto';
import { lastingActor, SYSTEM_ACTOR, type Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { ChangeSchedule, type ScheduleFailure } from './change-schedule.entity';
import { JobQueue } from './job-queue';
import { layersOf } from '../changes/layers-of';
import { scheduleView } from './review-desk';
import { requireEdition } from './reviews';

/** Says when editions of changes are to be published. The change is locked meanwhile, as by whoever publishes it. */
@Injectable()
export class Schedules {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /** Takes the place of an earlier schedule, also of one that failed. */
  set(changeId: number, at: Date, edition: number, actor: Actor): Promise<ScheduleView> {
    return this.dataSource.transaction(async (manager) => {
      const change = await lockOpen(manager, changeId, undefined);
      requireEdition(change, edition);
      const layers = await layersOf(manager, changeId);
      requireAllowed(actor.authority, 'publish', layers);
      await requireFuture(manager, at);
      const jobId = randomUUID();
      const earlier = await manager.findOneBy(ChangeSchedule, { changeId });
      if (earlier) await this.jobs.remove(manager, earlier.jobId);
      await manager.query(
        `INSERT INTO change_schedule (change_id, edition, at, scheduled_by, job_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (change_id) DO UPDATE
           SET edition = excluded.edition, at = excluded.at, scheduled_by = excluded.scheduled_by, job_id = excluded.job_id,
               created_at = now(), failure = NULL, failed_at = NULL`,
        [changeId, edition, at, JSON.stringify(lastingActor(actor)), jobId],
      );
      await this.jobs.add(manager, jobId, at, changeId);
      await recordAudit(manager, { actor, action: 'change.schedule', subject: { change: changeId, edition, at: at.toISOString(), layers } });
      return scheduleView(await manager.findOneByOrFail(ChangeSchedule, { changeId }), change, actor);
    });
  }

  /** @throws DomainError `schedule_not_found`; `change_not_open` when it has been published already */
  async cancel(changeId: number, actor: Actor): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await lockOpen(manager, changeId, undefined);
      const schedule = await manager.findOneBy(ChangeSchedule, { changeId });
      if (!schedule) throw new DomainError('schedule_not_found', `Change ${changeId} is not scheduled.`);
      await this.jobs.remove(manager, schedule.jobId);
      await manager.delete(ChangeSchedule, { changeId });
      await recordAudit(manager, { actor, action: 'change.unschedule', subject: { change: changeId, at: schedule.at.toISOString(), layers: await layersOf(manager, changeId) } });
    });
  }

  /** Writes on the change why it was not published. Not, when something else has become of it meanwhile. */
  async fail(changeId: number, jobId: string, failure: ScheduleFailure): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const change = await manager.findOneOrFail(Change, { where: { id: changeId }, lock: { mode: 'pessimistic_write' } });
      const schedule = await manager.findOneBy(ChangeSchedule, { changeId, jobId });
      if (change.status !== 'open' || !schedule || schedule.failure) return;
      await manager.query('UPDATE change_schedule SET failure = $2, failed_at = now() WHERE change_id = $1', [changeId, JSON.stringify(failure)]);
      const subject = { change: changeId, edition: schedule.edition, at: schedule.at.toISOString(), code: failure.code, scheduledBy: schedule.scheduledBy, layers: await layersOf(manager, changeId) };
      await recordAudit(manager, { actor: SYSTEM_ACTOR, action: 'change.schedule-fail', subject });
    });
  }

  /** Sets again what is waiting and has no job any more: the jobs are a schema of their own, which a backup may not have. */
  async restoreJobs(): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const waiting = await manager
        .createQueryBuilder(ChangeSchedule, 'schedule')
        .innerJoin(Change, 'change', `change.id = schedule.change_id AND change.status = 'open'`)
        .where('schedule.failure IS NULL')
        .getMany();
      const known = await this.jobs.known(manager, waiting.map(({ jobId }) => jobId));
      for (const { jobId, at, changeId } of waiting) if (!known.has(jobId)) await this.jobs.add(manager, jobId, at, changeId);
    });
  }
}

/** By the clock of the database, which is the one that will say that it is time. */
async function requireFuture(manager: EntityManager, at: Date): Promise<void> {
  const [{ future, near }] = await manager.query<[{ future: boolean; near: boolean }]>(
    `SELECT $1::timestamptz > clock_timestamp() AS future, $1::timestamptz < clock_timestamp() + interval '1 year' AS near`,
    [at],
  );
  if (!future) throw new DomainError('malformed_request', 'The time has passed. Publish the change, or choose a later time.', { pointer: '/at' });
  if (!near) throw new DomainError('malformed_request', 'A change can be scheduled for a time within a year.', { pointer: '/at' });
}

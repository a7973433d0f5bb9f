import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Standing } from '../access/standing';
import { ChangePublisher } from '../changes/change-publisher';
import { Change } from '../changes/change.entity';
import { changeTag } from '../changes/changes.service';
import { translateError } from '../http/translate-error';
import { ChangeSchedule, type ScheduleFailure } from './change-schedule.entity';
import { MAX_ATTEMPTS, type DueJob } from './job-queue';
import { Schedules } from './schedules';

/**
 * Publishes what is due, as whoever scheduled it would: everything is checked as it is now. A job is only told that there
 * may be something to do. What happens at most once is the publish itself, because its transaction marks the change.
 */
@Injectable()
export class DuePublish {
  private readonly logger = new Logger(DuePublish.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly standing: Standing,
    private readonly publisher: ChangePublisher,
    private readonly schedules: Schedules,
  ) {}

  /** Throws only what may be otherwise a moment later. */
  async publish({ id: jobId, change: changeId, earlierAttempts }: DueJob): Promise<void> {
    const { manager } = this.dataSource;
    const schedule = await manager.findOneBy(ChangeSchedule, { changeId, jobId });
    const change = await manager.findOneBy(Change, { id: changeId });
    if (!schedule || schedule.failure || change?.status !== 'open') return;
    const failure = earlierAttempts >= MAX_ATTEMPTS ? GAVE_UP : await this.attempt(schedule, change);
    if (!failure) return;
    this.logger.warn(`Change ${changeId} was not published at its time: ${failure.detail}`);
    await this.schedules.fail(changeId, jobId, failure);
  }

  private async attempt({ edition, scheduledBy, jobId }: ChangeSchedule, change: Change): Promise<ScheduleFailure | undefined> {
    if (change.edition !== edition) {
      return { code: 'precondition_failed', detail: `It was edited after it had been scheduled: it is at edition ${change.edition}, not ${edition}.` };
    }
    const authority = await this.standing.of(this.dataSource.manager, scheduledBy);
    if (!authority) return { code: 'forbidden', detail: `${scheduledBy.name}, who scheduled it, cannot sign in any more, or the token has ended.` };
    try {
      const { revision } = await this.publisher.publish(change.id, { ...scheduledBy, authority }, changeTag(change), { job: jobId });
      this.logger.log(`Change ${change.id} was published at its time, as revision ${revision}.`);
      return undefined;
    } catch (error) {
      const { kind, code, message } = translateError(error);
      if (kind === 'unavailable') throw error;
      if (kind === 'internal') this.logger.error(error);
      return { code, detail: message };
    }
  }
}

const GAVE_UP: ScheduleFailure = { code: 'unavailable', detail: `It was begun ${MAX_ATTEMPTS} times and could not be brought to an end. Schedule it again, or publish it.` };

import { Body, Controller, Delete, HttpCode, Param, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ChangeParams } from '../changes/changes.dto';
import { ScheduleView } from '../changes/review.dto';
import { Needs } from '../http/needs';
import { CurrentActor } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { ScheduleBody } from './review.dto';
import { Schedules } from './schedules';

@ApiTags('review')
@Controller('api/v1/changes/:id/schedule')
export class SchedulesController {
  constructor(private readonly schedules: Schedules) {}

  @Put()
  @Needs('publish', 'change')
  @ApiOperation({ summary: 'Have an edition of a change published at a time' })
  @ApiOkResponse({ type: ScheduleView })
  set(@Param() { id }: ChangeParams, @Body() { at, edition }: ScheduleBody, @CurrentActor() actor: Actor): Promise<ScheduleView> {
    return this.schedules.set(id, new Date(at), edition, actor);
  }

  @Delete()
  @HttpCode(204)
  @Needs('publish', 'change')
  @ApiOperation({ summary: 'Take back a schedule' })
  @ApiNoContentResponse()
  cancel(@Param() { id }: ChangeParams, @CurrentActor() actor: Actor): Promise<void> {
    return this.schedules.cancel(id, actor);
  }
}

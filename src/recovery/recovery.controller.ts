import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { CurrentActor } from '../http/request-context';
import { Text, WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import { Recovery } from './recovery';

/** Far above what anyone publishes, and far below where numbers are no longer exact. */
const HIGHEST_ABOVE = 2 ** 50;

class RecoveryBody {
  @Text({ min: 1, max: 1000, description: 'What happened; it stays in the history.' })
  message!: string;

  @WholeNumber({ optional: true, min: 1, max: HIGHEST_ABOVE, description: 'A revision that was handed out, when no process or client that is there has shown it.' })
  above?: number;
}

class RecoveryView {
  @ApiProperty({ type: 'integer', description: 'From here on the log goes on.' })
  revision!: number;

  @ApiProperty({ type: 'integer', description: 'Where the restored log ended. Revisions between the two are lost.' })
  head!: number;

  @ApiProperty({ type: 'integer', description: 'The highest revision known to have been handed out.' })
  seen!: number;
}

@ApiTags('recoveries')
@Controller('api/v1/recoveries')
export class RecoveryController {
  constructor(private readonly recovery: Recovery) {}

  @Post()
  @Needs('administer', 'everywhere')
  @Idempotent()
  @ApiOperation({ summary: 'Accept a log that was restored from an older backup: go on above every revision that was handed out' })
  @ApiCreatedResponse({ type: RecoveryView })
  recover(@Body() { message, above }: RecoveryBody, @CurrentActor() actor: Actor): Promise<RecoveryView> {
    return this.recovery.recover(actor, { message, above });
  }
}

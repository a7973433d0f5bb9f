import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsOptional, Matches } from 'class-validator';
import { Idempotent } from '../http/idempotency/idempotent';
import { Needs } from '../http/needs';
import { CurrentActor, type FastifyReply } from '../http/request-context';
import { Flag, LabelName, WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import { DOCUMENT_NAME_PATTERN, LABEL_PATTERN } from '../kernel/names';
import { publishView } from './change-views';
import { ChangeView, EmergencyField, MessageField, PublishView } from './changes.dto';
import { Promotions } from './promotions';
import { Rollback } from './rollback';
import { WholeChange } from './whole-change';

class RevisionParams {
  @WholeNumber({ min: 1 })
  revision!: number;
}

class RevisionRollbackBody {
  @MessageField()
  message?: string;

  @EmergencyField()
  emergency?: string;

  @Flag({ optional: true })
  dryRun?: boolean;
}

class PromotionBody {
  @ApiProperty({ type: [String], example: ['orders'] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1000)
  @Matches(LABEL_PATTERN, { each: true })
  services!: string[];

  @LabelName()
  from!: string;

  @LabelName()
  to!: string;

  @ApiPropertyOptional({ type: [String], description: 'Default: every document the source layers hold.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1000)
  @Matches(DOCUMENT_NAME_PATTERN, { each: true })
  documents?: string[];

  @MessageField()
  title?: string;
}

@ApiTags('changes')
@Controller('api/v1')
export class RollbackAndPromotionController {
  constructor(
    private readonly rollback: Rollback,
    private readonly promotions: Promotions,
    private readonly whole: WholeChange,
  ) {}

  @Post('revisions/:revision/rollback')
  @HttpCode(200)
  @Needs('publish', 'somewhere')
  @Idempotent()
  @ApiTags('revisions')
  @ApiOperation({ summary: 'Undo what one revision did, in all its layers, as one new revision' })
  @ApiOkResponse({ type: PublishView })
  async rollBack(
    @Param() { revision }: RevisionParams,
    @Body() { message, emergency, dryRun = false }: RevisionRollbackBody,
    @CurrentActor() actor: Actor,
  ): Promise<PublishView> {
    return publishView(await this.rollback.revision(revision, { actor, message, emergency, dryRun }), actor);
  }

  @Post('promotions')
  @Needs('edit', 'somewhere')
  @Idempotent()
  @ApiOperation({ summary: 'Propose the documents of one environment to another, as a change' })
  @ApiCreatedResponse({ type: ChangeView })
  async promote(
    @Body() { services, from, to, documents, title }: PromotionBody,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangeView> {
    const change = await this.promotions.promote({ services, from, to, documents, title }, actor);
    void reply.header('location', `/api/v1/changes/${change.id}`);
    return this.whole.view(change, actor);
  }
}

import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { CurrentActor } from '../http/request-context';
import { WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import { History } from './history';
import { RevisionSummaryView, RevisionView } from './layer-views';

class RevisionParams {
  @WholeNumber({ min: 1 })
  revision!: number;
}

@ApiTags('revisions')
@Controller('api/v1/revisions')
export class RevisionsController {
  constructor(private readonly history: History) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'The revisions that touched anything you may view, newest first' })
  @ApiPage(RevisionSummaryView)
  async list(@CurrentActor() { authority }: Actor, @Query() { cursor, limit }: PageQuery): Promise<Page<RevisionSummaryView>> {
    const rows = await this.history.revisions(authority, decodeCursor(cursor, 'number')?.[0], limit + 1);
    return pageOf(rows, limit, ({ revision }) => [revision], (row) => row);
  }

  @Get(':revision')
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'One revision and the layers it touched, of those you may view' })
  @ApiOkResponse({ type: RevisionView })
  show(@CurrentActor() { authority }: Actor, @Param() { revision }: RevisionParams): Promise<RevisionView> {
    return this.history.revision(authority, revision);
  }
}

import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, PageQuery, type Page } from '../http/page';
import { WholeNumber } from '../http/shape';
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
  @ApiOperation({ summary: 'The log, newest first' })
  @ApiPage(RevisionSummaryView)
  async list(@Query() { cursor, limit }: PageQuery): Promise<Page<RevisionSummaryView>> {
    const rows = await this.history.revisions(decodeCursor(cursor, 'number')?.[0], limit + 1);
    return pageOf(rows, limit, ({ revision }) => [revision], (row) => row);
  }

  @Get(':revision')
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'One revision and the layers it touched' })
  @ApiOkResponse({ type: RevisionView })
  show(@Param() { revision }: RevisionParams): Promise<RevisionView> {
    return this.history.revision(revision);
  }
}

import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, type Page } from '../http/page';
import { CurrentActor, type FastifyReply, type FastifyRequest } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { AuditExport } from './audit-export';
import type { AuditFilter } from './audit-filter';
import type { Anchor } from './audit-line';
import { AuditLog } from './audit-log';
import { AuditVerifier } from './audit-verifier';
import { AuditFilterQuery, AuditQuery, AuditRecordView, VerifiedView, VerifyQuery } from './audit.dto';

@ApiTags('audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(
    private readonly log: AuditLog,
    private readonly exports: AuditExport,
    private readonly verifier: AuditVerifier,
  ) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiPage(AuditRecordView)
  async list(@Query() { cursor, limit, ...query }: AuditQuery): Promise<Page<AuditRecordView>> {
    const records = await this.log.list(filterOf(query), decodeCursor(cursor, 'number')?.[0], limit + 1);
    return pageOf(records, limit, ({ id }) => [id], AuditRecordView.of);
  }

  @Get('export')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'The same as JSON Lines, oldest first, each line with its place in the chain' })
  @ApiOkResponse({ description: 'A line for each record, as docs/audit.md describes it.', content: { 'application/jsonl': { schema: { type: 'string' } } } })
  async export(@Query() query: AuditFilterQuery, @CurrentActor() actor: Actor, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    void reply.headers({ 'content-type': 'application/jsonl', 'content-disposition': 'attachment; filename="trimtab-audit.jsonl"' });
    await reply.send(request.method === 'HEAD' ? '' : await this.exports.begin(filterOf(query), actor));
  }

  @Get('verify')
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Whether any record was altered, removed, inserted or reordered' })
  @ApiOkResponse({ type: VerifiedView })
  async verify(@Query() query: VerifyQuery): Promise<VerifiedView> {
    const anchor = anchorOf(query);
    const verified = await this.verifier.verify({ anchor, sinceAnchor: query.sinceAnchor === true });
    return { valid: verified.fault === undefined, ...verified };
  }
}

function filterOf({ from, to, ...filter }: AuditFilterQuery): AuditFilter {
  return { ...filter, from: momentOf('from', from), to: momentOf('to', to) };
}

function momentOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const moment = new Date(text);
  if (moment.getTime() >= 0) return moment.toISOString();
  throw new DomainError('malformed_request', `${name} must be a moment such as 2027-01-31T12:00:00Z.`, { pointer: `/${name}` });
}

function anchorOf({ position, hash, sinceAnchor }: VerifyQuery): Anchor | undefined {
  if (position !== undefined && hash !== undefined) return { position, hash };
  if (position === undefined && hash === undefined && sinceAnchor !== true) return undefined;
  throw new DomainError('malformed_request', 'An anchor is a position and the hash that was seen there: give both.', { pointer: position === undefined ? '/position' : '/hash' });
}

import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { Needs } from '../http/needs';
import { ApiPage, decodeCursor, pageOf, type Page } from '../http/page';
import { AuditQuery, AuditRecordView } from './audit.dto';
import { AuditRecord } from './audit-record.entity';

@ApiTags('audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  @Needs('administer', 'everywhere')
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiPage(AuditRecordView)
  async list(@Query() { cursor, limit, action, actor }: AuditQuery): Promise<Page<AuditRecordView>> {
    const records = this.dataSource.manager.createQueryBuilder(AuditRecord, 'record').orderBy('record.id', 'DESC').limit(limit + 1);
    const [before] = decodeCursor(cursor, 'number') ?? [];
    if (before !== undefined) records.andWhere('record.id < :before', { before });
    if (action !== undefined) records.andWhere('record.action = :action', { action });
    if (actor !== undefined) records.andWhere(`(record.actor->>'id' = :actor OR record.actor->>'name' = :actor)`, { actor });
    return pageOf(await records.getMany(), limit, ({ id }) => [Number(id)], AuditRecordView.of);
  }
}

import { Controller, Get, Header, Res } from '@nestjs/common';
import { Browsable, Public } from '../http/needs';
import type { FastifyReply } from '../http/request-context';
import { EdgeMetrics } from './edge-metrics';
import { EdgeReadiness, type EdgeReport } from './edge-readiness';

/** The same pages as on a replica. */
@Controller()
export class EdgeHealthController {
  constructor(
    private readonly readiness: EdgeReadiness,
    private readonly metrics: EdgeMetrics,
  ) {}

  @Get('health/live')
  @Public()
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('health/ready')
  @Public()
  ready(@Res({ passthrough: true }) reply: FastifyReply): EdgeReport {
    const report = this.readiness.report();
    void reply.code(report.status === 'ready' ? 200 : 503);
    return report;
  }

  @Get('metrics')
  @Browsable()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  prometheus(): Promise<string> {
    return this.metrics.text();
  }
}

import { Controller, Get, Header, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProduces, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { Browsable, Public } from '../http/needs';
import type { FastifyReply } from '../http/request-context';
import { LivenessView, ReadinessQuery, ReadinessView } from './health.dto';
import { Metrics } from './metrics';
import { Readiness, type ReadinessReport } from './readiness';

/** The text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly metrics: Metrics,
  ) {}

  @Get('health/live')
  @Public()
  @ApiOperation({ summary: 'Whether the process runs; restart it when this does not answer' })
  @ApiOkResponse({ type: LivenessView })
  live(): LivenessView {
    return { status: 'live' };
  }

  @Get('health/ready')
  @Public()
  @ApiOperation({ summary: 'Whether to send requests here' })
  @ApiOkResponse({ type: ReadinessView })
  @ApiServiceUnavailableResponse({ type: ReadinessView })
  async ready(@Query() query: ReadinessQuery, @Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessReport> {
    const report = await this.readiness.report(query.for);
    void reply.code(report.status === 'ready' ? 200 : 503);
    return report;
  }

  @Get('metrics')
  @Browsable('view everywhere')
  @ApiBearerAuth()
  @Header('content-type', METRICS_TYPE)
  @ApiProduces(METRICS_TYPE)
  @ApiOperation({ summary: 'Metrics in the text format of Prometheus; any credential will do' })
  prometheus(): Promise<string> {
    return this.metrics.text();
  }
}

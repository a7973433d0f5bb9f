import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { Replicas } from './replicas';
import { ReplicasView } from './replicas.dto';

@ApiTags('replicas')
@Controller('api/v1/replicas')
export class ReplicasController {
  constructor(private readonly replicas: Replicas) {}

  @Get()
  @Needs('view', 'everywhere')
  @ApiOperation({ summary: 'Every process that serves clients, and how far it has come' })
  @ApiOkResponse({ type: ReplicasView })
  list(): Promise<ReplicasView> {
    return this.replicas.list();
  }
}

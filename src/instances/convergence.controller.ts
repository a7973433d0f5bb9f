import { Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { millisecondsOf } from '../http/duration';
import { Needs } from '../http/needs';
import { CurrentActor, type FastifyRequest } from '../http/request-context';
import { MayWait } from '../http/request-limit';
import type { Actor } from '../kernel/actor';
import { Convergence, isSettled, type Progress } from './convergence';
import { ConvergenceParams, ConvergenceQuery, ConvergenceView, type ConvergenceState } from './convergence.dto';
import { InstanceDirectory } from './instance-directory';
import { instanceView, type InstanceView } from './instances.dto';
import type { Outcome } from './outcome';

const MAX_WAIT_MS = 60_000;

@ApiTags('revisions', 'instances')
@Controller('api/v1/revisions')
export class ConvergenceController {
  constructor(
    private readonly convergence: Convergence,
    private readonly directory: InstanceDirectory,
  ) {}

  @Get(':revision/convergence')
  @Needs('view', 'somewhere')
  @MayWait()
  @ApiOperation({ summary: 'Who of the connected instances that you may view has taken a revision, and who has not' })
  @ApiOkResponse({ type: ConvergenceView })
  async show(@CurrentActor() { authority }: Actor, @Param() { revision }: ConvergenceParams, @Query() { wait, limit }: ConvergenceQuery, @Req() { raw: { socket } }: FastifyRequest): Promise<ConvergenceView> {
    if (wait === undefined) return this.view(await this.convergence.now(authority, revision), limit);
    const gone = new AbortController();
    const onGone = (): void => gone.abort();
    socket.once('close', onGone);
    try {
      const waitMs = Math.min(millisecondsOf(wait) ?? 0, MAX_WAIT_MS);
      const progress = await this.convergence.wait(authority, revision, waitMs, gone.signal);
      // Nobody reads the lists of an answer whose reader has hung up.
      return await this.view(progress, socket.destroyed ? 0 : limit);
    } finally {
      socket.off('close', onGone);
    }
  }

  private async view(progress: Progress, limit: number): Promise<ConvergenceView> {
    const { revision, complete, counts, targets } = progress;
    const { taken, silent } = counts;
    const [refused, pending] = await Promise.all([this.those('refused', progress, limit), this.those('pending', progress, limit)]);
    return {
      revision,
      state: stateOf(progress),
      complete,
      total: taken + silent + counts.refused + counts.pending,
      taken,
      silent,
      refused,
      pending,
      targets: targets
        .filter((target) => target.counts.refused + target.counts.pending + target.counts.silent > 0)
        .map(({ service, environment, counts: part }) => ({ service, environment, ...part })),
    };
  }

  private async those(outcome: Outcome, { revision, counts, targets }: Progress, limit: number): Promise<InstanceView[]> {
    if (counts[outcome] === 0 || limit === 0) return [];
    const { instances } = await this.directory.list({ outcome: { revision, outcomes: [outcome], targets } }, undefined, limit);
    return instances.map(instanceView);
  }
}

function stateOf(progress: Progress): ConvergenceState {
  if (!isSettled(progress)) return 'pending';
  return progress.counts.refused > 0 ? 'refused' : 'converged';
}

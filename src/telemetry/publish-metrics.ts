import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';
import { ReleaseLog, type Commit } from '../releases/release-log';
import { traceIdOf } from './tracing/traceparent';

const SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How long publishing takes in this process and where the time goes; and a line in the log for each revision it makes. */
@Injectable()
export class PublishMetrics implements OnModuleDestroy {
  private readonly logger = new Logger('Publish');
  private readonly revisions: Counter<'kind'>;
  private readonly duration: Histogram;
  private readonly phases: Histogram<'phase'>;
  private readonly stop: () => void;

  constructor(registry: Registry, log: ReleaseLog) {
    const registers = [registry];
    this.revisions = new Counter({ name: 'trimtab_revisions_published_total', help: 'Revisions that this process has committed.', labelNames: ['kind'], registers });
    this.duration = new Histogram({ name: 'trimtab_publish_duration_seconds', help: 'From the request to publish until it was committed.', buckets: SECONDS, registers });
    this.phases = new Histogram({
      name: 'trimtab_publish_phase_seconds',
      help: 'The same by phase: checking it, waiting for the turn and the lock of the log, writing and committing it.',
      labelNames: ['phase'],
      buckets: SECONDS,
      registers,
    });
    this.stop = log.onCommit((commit) => this.committed(commit));
  }

  onModuleDestroy(): void {
    this.stop();
  }

  private committed({ published, lockedAt, committedAt }: Commit): void {
    for (const { proposal, revision } of published) {
      const { askedAt, checkedAt, kind, actor, releases } = proposal;
      this.revisions.inc({ kind });
      this.duration.observe((committedAt - askedAt) / 1_000);
      this.phases.observe({ phase: 'check' }, (checkedAt - askedAt) / 1_000);
      this.phases.observe({ phase: 'wait' }, (lockedAt - checkedAt) / 1_000);
      this.phases.observe({ phase: 'commit' }, (committedAt - lockedAt) / 1_000);
      this.logger.log({
        message: `Revision ${revision} is published.`,
        revision,
        kind,
        layers: releases.length,
        actorId: actor.id,
        requestId: actor.requestId,
        traceId: traceIdOf(actor.traceparent),
        durationMs: Math.round(committedAt - askedAt),
      });
    }
  }
}

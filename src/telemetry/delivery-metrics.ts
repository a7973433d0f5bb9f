import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Report } from '@trimtab/client/protocol';
import { Counter, Histogram, Registry } from 'prom-client';
import { ReportHub, type ReportingConnection } from '../feed/report-hub';
import { RevisionTimes } from './revision-times';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** How long it takes from the commit of a revision until this process knows it, and until its clients have applied it. */
@Injectable()
export class DeliveryMetrics implements OnModuleDestroy {
  private readonly reports: Counter<'state'>;
  private readonly applied: Histogram<'transport'>;
  private readonly stops: (() => void)[];

  constructor(registry: Registry, hub: ReportHub, private readonly times: RevisionTimes) {
    const registers = [registry];
    const catchUp = new Histogram({ name: 'trimtab_catch_up_seconds', help: 'From the commit of a revision until this process had read it.', buckets: SECONDS, registers });
    this.reports = new Counter({ name: 'trimtab_client_reports_total', help: 'What clients said they did with a revision.', labelNames: ['state'], registers });
    this.applied = new Histogram({
      name: 'trimtab_publish_to_applied_seconds',
      help: 'From the commit of a revision until a client that was connected then had applied it, by transport.',
      labelNames: ['transport'],
      buckets: SECONDS,
      registers,
    });
    for (const state of ['applied', 'refused']) this.reports.inc({ state }, 0);
    this.applied.zero({ transport: 'socket.io' });
    this.stops = [
      hub.onReport((report, connection) => this.reported(report, connection)),
      times.onRevision(({ committedAt, learntAt }) => catchUp.observe(Math.max(0, learntAt - committedAt) / 1_000)),
    ];
  }

  onModuleDestroy(): void {
    for (const stop of this.stops) stop();
  }

  private reported(report: Report, { transport, connectedAt }: ReportingConnection): void {
    this.reports.inc({ state: report.state });
    if (report.state !== 'applied') return;
    const appliedAt = performance.now() - (report.heldMs ?? 0);
    this.times.whenKnown(report.revision, ({ committedAt }) => {
      // Who comes later reads what there is: that says nothing about how fast news travels.
      if (connectedAt <= committedAt) this.applied.observe({ transport }, Math.max(0, appliedAt - committedAt) / 1_000);
    });
  }
}

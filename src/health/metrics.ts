import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Collected } from '../telemetry/collected';
import { Readiness, type ReadinessReport } from './readiness';

/** The page of all metrics; the ones about health are added here, from the same report that the health page shows. */
@Injectable()
export class Metrics {
  constructor(
    private readonly registry: Registry,
    private readonly readiness: Readiness,
  ) {
    this.add('trimtab_ready', 'Whether this process should be sent requests.', ({ status }) => Number(status === 'ready'));
    this.add('trimtab_database_up', 'Whether the database answers.', ({ checks }) => Number(checks.database === 'up'));
    this.add('trimtab_log_regressed', 'Whether the database has lost revisions that were handed out: it was restored from an older backup.', ({ log }) => Number(log.state === 'regressed'));
    new Collected(registry).counter('trimtab_clients_ahead_total', 'How often a client has shown a revision that the log does not have.', async () => (await readiness.report()).log.clientsAhead.count);
    this.add('trimtab_clock_offset_seconds', 'How far the clock of the database is ahead of this process; 0 before it was heard.', ({ checks }) => (checks.clockOffsetMs ?? 0) / 1_000);
    this.add('trimtab_copy_kept', 'Whether a disk copy is kept.', ({ copy }) => Number(copy.state === 'kept'));
    this.add('trimtab_copy_position', 'Revision of the disk copy; 0 when there is none.', ({ copy }) => copy.position);
    this.add('trimtab_copy_behind_seconds', 'For how long there has been something that is not in the disk copy.', ({ copy }) => copy.behindMs / 1_000);
    this.add('trimtab_copy_failing', 'Whether the disk copy cannot be written.', ({ copy }) => Number(copy.error !== undefined));
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  private add(name: string, help: string, of: (report: ReadinessReport) => number): void {
    new Collected(this.registry).gauge(name, help, async () => of(await this.readiness.report()));
  }
}

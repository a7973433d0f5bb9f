import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Collected } from '../telemetry/collected';
import { Readiness } from './readiness';

/** The page of all metrics; the ones about health are added here. */
@Injectable()
export class Metrics {
  constructor(
    private readonly registry: Registry,
    readiness: Readiness,
  ) {
    const collected = new Collected(registry);
    collected.gauge('trimtab_ready', 'Whether this process should be sent requests.', async () => ((await readiness.report()).status === 'ready' ? 1 : 0));
    collected.gauge('trimtab_database_up', 'Whether the database answers.', async () => ((await readiness.report()).checks.database === 'up' ? 1 : 0));
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}

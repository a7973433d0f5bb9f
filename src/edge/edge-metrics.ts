import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Collected } from '../telemetry/collected';
import { Edge } from './edge';
import { EdgeReadiness } from './edge-readiness';

/** The page of all metrics; the ones that only an edge has are added here. */
@Injectable()
export class EdgeMetrics {
  constructor(
    private readonly registry: Registry,
    readiness: EdgeReadiness,
    edge: Edge,
  ) {
    const collected = new Collected(registry);
    collected.gauge('trimtab_ready', 'Whether this process should be sent requests.', () => (readiness.report().status === 'ready' ? 1 : 0));
    collected.gauge('trimtab_log_position', 'Newest revision that this process has read.', () => edge.origin.position);
    collected.gauge('trimtab_nats_connected', 'Whether there is a connection to NATS.', () => (edge.connected ? 1 : 0));
    collected.gauge('trimtab_nats_following', 'Whether what is written to the bucket is seen here at once.', () => (edge.following ? 1 : 0));
    collected.gauge('trimtab_edge_targets', 'Effective configs that this edge could serve.', () => edge.origin.size);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
